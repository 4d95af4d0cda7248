// The listening socket.
#ifndef EXAMPLES_HTTPS_SERVER_LISTENER_H
#define EXAMPLES_HTTPS_SERVER_LISTENER_H

#include <string>

namespace https {

// A non-blocking socket that listens there, whose connections have TCP_NODELAY. -1: `error` says why, and what to do.
int open_listener(const std::string& host, int port, std::string& error);

// "127.0.0.1:8443", "[::1]:8443".
std::string listener_name(int listener);

}  // namespace https

#endif
