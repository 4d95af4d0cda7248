// What is inside of a ClientHello's extensions.
#ifndef OPENSSL_EVENT_CLIENT_HELLO_H
#define OPENSSL_EVENT_CLIENT_HELLO_H

#include "openssl_event/lookup.h"

namespace openssl_event {

// Finds server name, ALPN and versions in hello.extensions; what is malformed counts as absent. `name` is the memory of the
// server name. False without memory.
bool read_extensions(OPENSSL_CLIENT_HELLO& hello, Bytes& name) noexcept;

}  // namespace openssl_event

#endif
