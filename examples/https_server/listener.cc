#include "examples/https_server/listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace https {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};

int listen_on(const addrinfo& address, int send_buffer) {
  const int on = 1;
  const int fd = socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  // Accepted sockets inherit the options, which saves a call for each.
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
      (send_buffer == 0 || setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer) == 0) &&
      bind(fd, address.ai_addr, address.ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
    return fd;
  const int reason = errno;
  close(fd);
  errno = reason;
  return -1;
}

std::string advice(int reason, int port) {
  switch (reason) {
    case EADDRINUSE: return "; end the program that has this port, or choose another by --port (0: any free one)";
    case EACCES: return "; ports below 1024 are for root: choose another by --port, not " + std::to_string(port);
    case EADDRNOTAVAIL: return "; --host must be an address of this machine";
    default: return "";
  }
}

}  // namespace

int open_listener(const Options& options, std::string& error) {
  const std::string& host = options.host;
  const int port = options.port;
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int status = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); status != 0) {
    error = "--host: '" + host + "' is no address of this machine (" + gai_strerror(status) + ")";
    return -1;
  }
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
  const int fd = listen_on(*addresses, options.send_buffer);
  const int reason = errno;
  if (fd < 0) error = "cannot listen on " + host + " port " + std::to_string(port) + ": " + std::strerror(reason) + advice(reason, port);
  return fd;
}

std::string listener_name(int listener) {
  sockaddr_storage address = {};
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";
  if (getsockname(listener, generic, &size) == 0)
    getnameinfo(generic, size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
  const std::string name = address.ss_family == AF_INET6 ? "[" + std::string(host) + "]" : host;
  return name + ":" + port;
}

}  // namespace https
