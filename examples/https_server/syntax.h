// What a request's parts may look like (RFC 9110, 9112, 3986), and what they mean.
#ifndef EXAMPLES_HTTPS_SERVER_SYNTAX_H
#define EXAMPLES_HTTPS_SERVER_SYNTAX_H

#include <string>
#include <string_view>

namespace https {

// RFC 9110 5.6.2: what a method or a field's name is made of.
bool is_token(std::string_view text);

// A line without CR, NUL and other control characters, which others may take for its end (RFC 9110 5.5).
bool is_clean(std::string_view line);

// RFC 9112 3.2: a path, an http or https URI; "*" with OPTIONS only; HOST:PORT with CONNECT only.
bool is_target(std::string_view method, std::string_view target);

// The value of Host: a name or an address, and a port or none (RFC 9112 3.2, RFC 3986 3.2.2).
bool is_host(std::string_view value);

// The path of a target, decoded, without its query: "/a" of "/%61?b", and of "https://host/a".
std::string path_of(std::string_view target);

// Letters are the same in either case.
bool same(std::string_view a, std::string_view b);

// Without spaces and tabs at its ends.
std::string_view trim(std::string_view text);

// Takes the next word off a comma-separated list, "" if it is empty; false at the list's end.
bool next_word(std::string_view& list, std::string_view& word);

}  // namespace https

#endif
