// An echo server: every byte that a client sends comes back to it, after the SChannel author's first server. One thread,
// poll(), any number of connections.
//
//     echo_server [--port N]        4433 unless given; 0: any, printed. Loopback only.
//     openssl s_client -quiet -connect 127.0.0.1:4433
//
// What it shows: cleartext handed back without a copy. The block that came out of the machine goes in again as the memory
// of a CLEARTEXT_IN, and is given back when its bytes are in records. So a client that sends and does not read is held
// back by the machine's window alone: there is no buffer here that could grow.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "adapters/loop/session.h"
#include "examples/self_signed.h"
#include "openssl_event/openssl_event.h"

namespace {

volatile std::sig_atomic_t stopped = 0;

const loop::Calls kInPlace;

class Connection final : private loop::User {
 public:
  Connection(int fd, SSL* ssl) : fd_(fd), session_(ssl, kInPlace, *this) {}
  ~Connection() { close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  bool valid() const { return session_.valid(); }

  pollfd poll_entry() const {
    const int events = (session_.wants_input() ? POLLIN : 0) | (session_.unsent() ? POLLOUT : 0);
    return {fd_, static_cast<short>(events), 0};
  }

  // False: the connection is over.
  bool handle(short events) {
    if ((events & (POLLIN | POLLHUP | POLLERR)) && !receive()) return false;
    do {
      session_.run();
    } while (send());  // what has been sent makes room for more
    return !broken_ && !session_.finished();
  }

 private:
  // Straight into the buffer that the machine will open the records in.
  bool receive() {
    std::size_t room = 0;
    char* space = session_.input_space(&room);
    const ssize_t n = space ? read(fd_, space, room) : -1;
    if (n > 0) return session_.received(static_cast<std::size_t>(n));
    if (n == 0) session_.input_ended();
    return n == 0 || (space && (errno == EAGAIN || errno == EINTR));
  }

  // True: something has been sent.
  bool send() {
    iovec slices[16];
    const int count = session_.gather(slices, 16);
    const ssize_t n = count > 0 ? writev(fd_, slices, count) : 0;
    if (n > 0) session_.sent(static_cast<std::size_t>(n));
    if (n < 0 && errno != EAGAIN && errno != EINTR) broken_ = true;
    return n > 0;
  }

  void cleartext(OPENSSL_EVENT* block) override {
    const auto give_back = [](void* arg) { openssl_returnEvent(static_cast<OPENSSL_EVENT*>(arg)); };
    const auto size = static_cast<std::size_t>(block->c.len);
    OPENSSL_EVENT* answer = openssl_wrapCleartextInEvent(block->c.buf, size, give_back, block);
    if (answer && openssl_putEvent(session_.tls(), answer)) return;
    session_.fail();
    if (answer)
      openssl_freeEvent(answer);
    else
      openssl_putEvent(session_.tls(), block);
  }

  void written(OPENSSL_EVENT* answer) override { openssl_freeEvent(answer); }  // which gives its block back

  void status(const OPENSSL_STATUS& status) override {
    if (status.status == OPENSSL_STATUS_CLOSE_NOTIFY) openssl_closeOutput(session_.tls());  // after all that is still to be echoed
    if (status.status == OPENSSL_STATUS_ERROR) std::fprintf(stderr, "connection ended: %s\n", status.text);
  }

  void executed(const OPENSSL_ENGINE_CALL&, std::optional<std::chrono::nanoseconds>) override {}

  const int fd_;
  bool broken_ = false;
  loop::Session session_;
};

std::unique_ptr<Connection> accept_connection(int listener, SSL_CTX* context) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return nullptr;
  SSL* ssl = SSL_new(context);
  if (ssl) SSL_set_accept_state(ssl);
  auto connection = std::make_unique<Connection>(fd, ssl);
  SSL_free(ssl);  // the session has a reference of its own
  return connection->valid() ? std::move(connection) : nullptr;
}

void serve(int listener, SSL_CTX* context) {
  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<pollfd> entries;
  while (!stopped) {
    entries.assign(1, {listener, POLLIN, 0});
    for (const auto& connection : connections) entries.push_back(connection->poll_entry());
    if (poll(entries.data(), entries.size(), -1) < 0) continue;  // EINTR
    for (std::size_t i = connections.size(); i-- > 0;) {
      const short events = entries[i + 1].revents;
      if (events && !connections[i]->handle(events)) connections.erase(connections.begin() + static_cast<long>(i));
    }
    if (!entries[0].revents) continue;
    if (auto connection = accept_connection(listener, context)) connections.push_back(std::move(connection));
  }
}

// Listens on the loopback address and prints where. Returns the socket, or -1 with a message.
int listen_on(int port) {
  sockaddr_in address = {};
  socklen_t size = sizeof address;
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const int on = 1;
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
      bind(listener, generic, size) < 0 || listen(listener, SOMAXCONN) < 0 || getsockname(listener, generic, &size) < 0) {
    std::fprintf(stderr, "echo_server: cannot listen on 127.0.0.1:%d: %s\n", port, std::strerror(errno));
    if (listener >= 0) close(listener);
    return -1;
  }
  std::printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return listener;
}

// The port, or -1 with a message.
int read_arguments(int argc, char** argv) {
  if (argc == 1) return 4433;
  char* end = nullptr;
  const long port = argc == 3 && argv[1] == std::string_view("--port") ? std::strtol(argv[2], &end, 10) : -1;
  if (end && end != argv[2] && *end == '\0' && port >= 0 && port <= 65535) return static_cast<int>(port);
  std::fprintf(stderr, "usage: echo_server [--port N]   N from 0 (any free port) to 65535; 4433 unless given\n");
  return -1;
}

}  // namespace

int main(int argc, char** argv) {
  const int port = read_arguments(argc, argv);
  if (port < 0) return 2;
  struct sigaction on_stop = {};
  on_stop.sa_handler = [](int) { stopped = 1; };
  sigaction(SIGINT, &on_stop, nullptr);
  sigaction(SIGTERM, &on_stop, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  SSL_CTX* context = make_server_context(2048);
  if (!context) ERR_print_errors_fp(stderr);
  const int listener = context ? listen_on(port) : -1;
  if (listener >= 0) {
    serve(listener, context);
    close(listener);
  }
  SSL_CTX_free(context);
  return listener >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
