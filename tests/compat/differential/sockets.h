// Transports over a pair of sockets, the far one of which is the test's.
#ifndef TESTS_COMPAT_DIFFERENTIAL_SOCKETS_H
#define TESTS_COMPAT_DIFFERENTIAL_SOCKETS_H

#include "tests/compat/differential/transport.h"

namespace openssl_event::testing {

std::unique_ptr<Transport> make_socket_transport(const std::string& name);

}  // namespace openssl_event::testing

#endif
