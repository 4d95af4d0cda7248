#include "tests/compat/differential/sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "tests/compat/differential/bios.h"

namespace openssl_event::testing {
namespace {

void require(bool done, const char* what) {
  if (done) return;
  std::perror(what);
  std::abort();
}

void make_tcp(int (&fds)[2]) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  require(bind(listener, any, size) == 0 && listen(listener, 1) == 0 && getsockname(listener, any, &size) == 0, "listen");
  fds[0] = socket(AF_INET, SOCK_STREAM, 0);
  require(connect(fds[0], any, size) == 0, "connect");
  fds[1] = accept(listener, nullptr, nullptr);
  require(fds[1] >= 0, "accept");
  close(listener);
  const int on = 1;
  for (const int fd : fds) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

class Sockets final : public Transport {
 public:
  explicit Sockets(std::string how) : how_(std::move(how)), is_tcp_(how_ != "unix-fd") {
    make_sockets(is_tcp_, false, fds_);
  }
  ~Sockets() override {
    for (const int fd : fds_)
      if (fd >= 0) close(fd);
  }

  void attach(SSL* ssl) override {
    if (how_ == "rfd-wfd") {
      SSL_set_rfd(ssl, fds_[0]);
      SSL_set_wfd(ssl, fds_[0]);
    } else if (how_ == "socket-bio") {
      BIO* bio = BIO_new_socket(fds_[0], BIO_NOCLOSE);
      SSL_set_bio(ssl, bio, bio);
    } else if (how_ == "rbio-wbio") {
      SSL_set0_rbio(ssl, BIO_new_socket(fds_[0], BIO_NOCLOSE));
      SSL_set0_wbio(ssl, BIO_new_socket(fds_[0], BIO_NOCLOSE));
    } else if (how_ == "filter") {
      BIO* bio = BIO_push(make_counting_filter(bytes_), BIO_new_socket(fds_[0], BIO_NOCLOSE));
      SSL_set_bio(ssl, bio, bio);
    } else if (how_ == "buffer") {
      SSL_set0_rbio(ssl, BIO_new_socket(fds_[0], BIO_NOCLOSE));
      SSL_set0_wbio(ssl, BIO_push(BIO_new(BIO_f_buffer()), BIO_new_socket(fds_[0], BIO_NOCLOSE)));
    } else {
      SSL_set_fd(ssl, fds_[0]);
    }
  }

  void give(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = write(fds_[1], bytes.data(), bytes.size());
      if (written < 0) return;  // the SSL's side is full: the rest is lost, and so is the test
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    settle(fds_[1], fds_[0]);
  }
  void give_end() override {
    shutdown(fds_[1], SHUT_WR);
    pollfd waits = {fds_[0], POLLRDHUP, 0};
    poll(&waits, 1, 5000);
  }
  std::string take() override {
    std::string bytes;
    char part[16384];
    settle(fds_[0], fds_[1]);
    for (ssize_t got; (got = read(fds_[1], part, sizeof part)) > 0; settle(fds_[0], fds_[1])) bytes.append(part, static_cast<std::size_t>(got));
    return bytes;
  }
  long unread() override {
    int count = 0;
    ioctl(fds_[0], FIONREAD, &count);
    return count;
  }
  int descriptor() const override { return is_tcp_ ? fds_[0] : -1; }

 private:
  // Until what has been sent is at the other end.
  void settle(int from, int to) const {
    const auto info = [](int fd) {
      tcp_info now = {};
      socklen_t size = sizeof now;
      getsockopt(fd, IPPROTO_TCP, TCP_INFO, &now, &size);
      return now;
    };
    if (!is_tcp_) return;
    for (int i = 0; i < 100000; ++i) {
      const tcp_info sender = info(from);
      const auto all = sender.tcpi_bytes_sent - sender.tcpi_bytes_retrans + sender.tcpi_notsent_bytes;
      if (info(to).tcpi_bytes_received >= all) return;
      sched_yield();
    }
  }

  const std::string how_;
  const bool is_tcp_;
  int fds_[2] = {-1, -1};
  long bytes_ = 0;
};

// Only such a socket's handshake suspends. Nobody waits for the epoll.
void watch(int fd) {
  static const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLOUT | EPOLLET;
  require(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

}  // namespace

void make_sockets(bool tcp, bool blocking, int (&fds)[2]) {
  if (tcp)
    make_tcp(fds);
  else
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0, "socketpair");
  const int large = 1 << 20;
  for (const int fd : fds) {
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &large, sizeof large);
    if (blocking) continue;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (tcp) watch(fd);
  }
}

std::unique_ptr<Transport> make_socket_transport(const std::string& name) { return std::make_unique<Sockets>(name); }

}  // namespace openssl_event::testing
