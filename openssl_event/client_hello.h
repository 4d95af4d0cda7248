// What is inside of a ClientHello's extensions.
#ifndef OPENSSL_EVENT_CLIENT_HELLO_H
#define OPENSSL_EVENT_CLIENT_HELLO_H

#include <cstddef>

#include "openssl_event/openssl_event.h"

namespace openssl_event {

constexpr std::size_t kNameSize = 256;  // of a server name (RFC 1035 3.1: at most 255 bytes), and a NUL byte

// Finds server name, ALPN and versions in hello.extensions; what is malformed counts as absent. `name`, of kNameSize
// bytes, is the memory of the server name.
void read_extensions(OPENSSL_CLIENT_HELLO& hello, char* name) noexcept;

// As openssl_parseClientHello. `total` is how many extensions there are, those without room included.
bool parse_client_hello(const unsigned char* message, std::size_t len, OPENSSL_CLIENT_HELLO& hello,
                        OPENSSL_EXTENSION* extensions, std::size_t room, char* name, std::size_t& total) noexcept;

}  // namespace openssl_event

#endif
