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

}  // namespace openssl_event

#endif
