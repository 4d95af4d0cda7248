#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>

#include "tests/interop/connection.h"

namespace openssl_event::interop {
namespace {

using Clock = std::chrono::steady_clock;

sockaddr_in loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

int new_socket() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "socket");
  return fd;
}

std::string port_of(int fd) {
  sockaddr_in address = {};
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return std::to_string(ntohs(address.sin_port));
}

void bind_anywhere(int fd) {
  const sockaddr_in address = loopback(0);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::system_error(errno, std::generic_category(), "bind");
}

void send_at_once(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

Listener::Listener() : socket_(new_socket()) {
  bind_anywhere(socket_);
  listen(socket_, 8);
  port_ = port_of(socket_);
}

Listener::~Listener() { close(socket_); }

int Listener::accept(Child& child) {
  const auto deadline = Clock::now() + std::chrono::seconds(kPatienceSeconds);
  while (Clock::now() < deadline) {
    child.read();
    pollfd waited[] = {{socket_, POLLIN, 0}, {child.output_fd(), POLLIN, 0}};
    poll(waited, 2, 1000);
    if (waited[0].revents == 0) {
      if (child.closed_output()) return -1;
      continue;
    }
    const int fd = accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) send_at_once(fd);
    return fd;
  }
  return -1;
}

int connect_to(const std::string& port) {
  const int fd = new_socket();
  const sockaddr_in address = loopback(std::stoi(port));
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(fd);
    return -1;
  }
  send_at_once(fd);
  return fd;
}

std::string free_port() {
  const int fd = new_socket();
  bind_anywhere(fd);
  const std::string port = port_of(fd);
  close(fd);
  return port;
}

}  // namespace openssl_event::interop
