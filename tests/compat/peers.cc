#include "tests/compat/peers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace openssl_event::testing {
namespace {

constexpr int kTimeout = 20000;  // milliseconds

void connect_sockets(int& client, int& server) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool done = bind(listener, any, size) == 0 && listen(listener, 1) == 0 && getsockname(listener, any, &size) == 0 &&
                    ::connect(client, any, size) == 0 && (server = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;
  close(listener);
  if (!done) {
    std::perror("a connection on the loopback");
    std::abort();
  }
  // No packet is left in TIME_WAIT, of which a long test makes too many.
  const linger at_once = {1, 0};
  const int on = 1;
  for (const int fd : {client, server}) {
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(fd, F_SETFL, O_NONBLOCK);
  }
}

// Only such a socket's handshake suspends. Nobody waits for the epoll.
void watch(int fd) {
  static const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLOUT | EPOLLET;
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

// Until what SSL_get_error asks for is there.
void wait_for(SSL* ssl, int value) {
  const int error = SSL_get_error(ssl, value);
  pollfd waits = {SSL_get_fd(ssl), static_cast<short>(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT), 0};
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) poll(&waits, 1, kTimeout);
}

}  // namespace

Peers::Peers(int version, KeyType key, Sockets sockets)
    : server_context(make_server_context(version, key)), client_context(make_client_context(version, key)) {
  connect_sockets(client_fd, server_fd);
  if (sockets == Sockets::watched) {
    watch(client_fd);
    watch(server_fd);
  }
  begin_anew(server_context.get(), client_context.get());
}

void Peers::begin_anew(SSL_CTX* server_side, SSL_CTX* client_side) {
  server = make_ssl(server_side, Role::kServer);
  client = make_ssl(client_side, Role::kClient);
  SSL_set_fd(server.get(), server_fd);
  SSL_set_fd(client.get(), client_fd);
}

Peers::~Peers() {
  server.reset();
  client.reset();
  close(client_fd);
  close(server_fd);
}

int Peers::accept_until_it_signs() {
  SSL_connect(client.get());
  for (;;) {
    const int value = SSL_accept(server.get());
    if (value > 0 || SSL_get_error(server.get(), value) != SSL_ERROR_WANT_READ || on_the_wire() > 0) return value;
    pollfd waits = {server_fd, POLLIN, 0};
    if (poll(&waits, 1, kTimeout) != 1) return value;
  }
}

bool Peers::finish() {
  for (int i = 0; i < 1000; ++i) {
    const int of_client = SSL_do_handshake(client.get());
    const int of_server = SSL_do_handshake(server.get());
    if (of_client > 0 && of_server > 0) return true;
    const int error = of_server > 0 ? SSL_ERROR_NONE : SSL_get_error(server.get(), of_server);
    if (error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL) return false;
    if (of_server <= 0 && error == SSL_ERROR_WANT_WRITE)
      wait_for(server.get(), of_server);
    else if (of_client <= 0)
      wait_for(client.get(), of_client);
    else
      wait_for(server.get(), of_server);
  }
  return false;
}

bool Peers::talk() {
  const auto one_way = [](SSL* from, SSL* to) {
    char byte = 0;
    if (SSL_write(from, "x", 1) != 1) return false;
    for (int i = 0; i < 100; ++i) {
      const int value = SSL_read(to, &byte, 1);
      if (value == 1) return byte == 'x';
      wait_for(to, value);
    }
    return false;
  };
  return one_way(client.get(), server.get()) && one_way(server.get(), client.get());
}

int Peers::on_the_wire() const {
  int bytes = 0;
  ioctl(client_fd, FIONREAD, &bytes);
  return bytes;
}

void Peers::set_blocking(bool blocking) {
  for (const int fd : {client_fd, server_fd}) fcntl(fd, F_SETFL, blocking ? 0 : O_NONBLOCK);
}

}  // namespace openssl_event::testing
