#include "examples/https_server/syntax.h"

#include <strings.h>

#include <algorithm>
#include <cctype>
#include <cstring>

namespace https {
namespace {

constexpr std::string_view kSubDelimiters = "!$&'()*+,;=";
constexpr std::string_view kUnreservedMarks = "-._~";

bool is_alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)); }

int hex_value(char c) { return is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10; }

template <typename Test>
bool all(std::string_view text, Test test) {
  return std::all_of(text.begin(), text.end(), test);
}

bool begins_with(std::string_view text, std::string_view beginning) { return same(text.substr(0, beginning.size()), beginning); }

// Each '%' begins an octet in hexadecimal, and none is NUL.
bool is_encoded_well(std::string_view text) {
  for (std::size_t at = 0; (at = text.find('%', at)) != text.npos; at += 3) {
    if (text.size() - at < 3 || !is_hex(text[at + 1]) || !is_hex(text[at + 2])) return false;
    if (text.substr(at + 1, 2) == "00") return false;
  }
  return true;
}

bool is_name_or_ipv4(std::string_view text) {
  return is_encoded_well(text) && all(text, [](char c) {
           return is_alphanumeric(c) || c == '%' || kUnreservedMarks.find(c) != kUnreservedMarks.npos ||
                  kSubDelimiters.find(c) != kSubDelimiters.npos;
         });
}

bool is_ipv6_in_brackets(std::string_view text) {
  return text.size() > 2 && text.front() == '[' && text.back() == ']' &&
         all(text.substr(1, text.size() - 2), [](char c) { return is_hex(c) || c == ':' || c == '.'; });
}

// How long "http://" or "https://" is that the target begins with; 0: it does not.
std::size_t scheme_length(std::string_view target) {
  for (const std::string_view scheme : {"https://", "http://"})
    if (begins_with(target, scheme)) return scheme.size();
  return 0;
}

bool is_visible(std::string_view text) {
  return !text.empty() && all(text, [](char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7f; });
}

std::string decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool encoded = text[i] == '%';
    decoded += encoded ? static_cast<char>(hex_value(text[i + 1]) << 4 | hex_value(text[i + 2])) : text[i];
    if (encoded) i += 2;
  }
  return decoded;
}

}  // namespace

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool next_word(std::string_view& list, std::string_view& word) {
  if (list.data() == nullptr) return false;
  const std::size_t comma = list.find(',');
  word = trim(list.substr(0, comma));
  list = comma == list.npos ? std::string_view() : list.substr(comma + 1);
  return true;
}

bool is_token(std::string_view text) {
  return !text.empty() && all(text, [](char c) { return is_alphanumeric(c) || (c && std::strchr("!#$%&'*+-.^_`|~", c)); });
}

bool is_clean(std::string_view line) {
  return all(line, [](char c) { return static_cast<unsigned char>(c) >= ' ' ? c != 0x7f : c == '\t'; });
}

bool is_host(std::string_view value) {
  const std::size_t colon = value.rfind(':');
  const bool has_port = colon != value.npos && all(value.substr(colon + 1), is_digit);
  const std::string_view host = has_port ? value.substr(0, colon) : value;
  return !host.empty() && (is_name_or_ipv4(host) || is_ipv6_in_brackets(host));
}

bool is_target(std::string_view method, std::string_view target) {
  if (method == "CONNECT") return target.find(':') != target.npos && is_host(target);
  if (target == "*") return method == "OPTIONS";
  if (!is_visible(target) || !is_encoded_well(target.substr(0, target.find('?')))) return false;
  const std::size_t scheme = scheme_length(target);
  return scheme == 0 ? target.front() == '/' : is_host(target.substr(scheme, target.find_first_of("/?", scheme) - scheme));
}

std::string path_of(std::string_view target) {
  if (const std::size_t scheme = scheme_length(target)) {
    const std::size_t end_of_host = target.find_first_of("/?", scheme);
    target = end_of_host == target.npos ? "" : target.substr(end_of_host);
  }
  const std::string_view path = target.substr(0, target.find('?'));
  return path.empty() ? "/" : decode(path);
}

}  // namespace https
