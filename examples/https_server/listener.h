// The listening socket.
#ifndef EXAMPLES_HTTPS_SERVER_LISTENER_H
#define EXAMPLES_HTTPS_SERVER_LISTENER_H

#include <string>

#include "examples/https_server/options.h"

namespace https {

// A non-blocking socket that listens where the options say, whose connections have TCP_NODELAY and their send buffer. -1:
// `error` says why, and what to do.
int open_listener(const Options& options, std::string& error);

// "127.0.0.1:8443", "[::1]:8443".
std::string listener_name(int listener);

}  // namespace https

#endif
