// An echo server: every byte that a client sends comes back to it, after the SChannel author's first server. One thread,
// poll(), any number of connections.
//
//     echo_server [--port N]        4433 unless given; 0: any, printed. Loopback only.
//     openssl s_client -quiet -connect 127.0.0.1:4433
//
// What it shows: cleartext handed back without a copy. The block that came out of the machine goes in again as the memory
// of a CLEARTEXT_IN, and is given back when its bytes are in records. So a client that sends and does not read is held
// back by the machine's window alone: there is no buffer here that could grow.
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "adapters/loop/socket.h"
#include "examples/network.h"
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
    loop::Moved sent;
    do {
      session_.run();
      sent = loop::send(fd_, session_);
    } while (loop::has_moved(sent));  // what has been sent makes room for more
    return sent != loop::Moved::broken && (!session_.finished() || awaits_peers_end());
  }

  // After all that is still to be echoed. False: the connection is over.
  bool close_output() {
    output_closing_ = true;
    openssl_closeOutput(session_.tls());
    return handle(0);
  }

 private:
  bool receive() {
    const loop::Moved moved = loop::receive(fd_, session_);
    ended_ |= moved == loop::Moved::end;
    if (ended_) session_.input_ended();
    return moved != loop::Moved::broken && moved != loop::Moved::no_memory;
  }

  // Closing with input unread would make the kernel send a reset, which may overtake the last records.
  bool awaits_peers_end() const { return !ended_ && !session_.failed() && !session_.peer_closed() && shutdown(fd_, SHUT_WR) == 0; }

  void cleartext(OPENSSL_EVENT* block) override {
    if (output_closing_) {
      openssl_putEvent(session_.tls(), block);  // too late
      return;
    }
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
    if (status.status == OPENSSL_STATUS_CLOSE_NOTIFY) openssl_closeOutput(session_.tls());
    if (status.status == OPENSSL_STATUS_ERROR) std::fprintf(stderr, "connection ended: %s\n", status.text);
  }

  void executed(const OPENSSL_ENGINE_CALL&, std::optional<std::chrono::nanoseconds>) override {}

  const int fd_;
  bool ended_ = false;           // its input
  bool output_closing_ = false;  // by us
  loop::Session session_;
};

using Connections = std::vector<std::unique_ptr<Connection>>;
using Clock = std::chrono::steady_clock;

constexpr auto kGrace = std::chrono::seconds(5);

std::unique_ptr<Connection> accept_connection(int listener, SSL_CTX* context) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return nullptr;
  SSL* ssl = SSL_new(context);
  if (ssl) SSL_set_accept_state(ssl);
  auto connection = std::make_unique<Connection>(fd, ssl);
  SSL_free(ssl);  // the session has a reference of its own
  return connection->valid() ? std::move(connection) : nullptr;
}

// One wait, and what it tells. True: somebody connects. A listener of -1 is not waited for, nor is a timeout of -1.
bool take_turn(Connections& connections, int listener, int timeout) {
  std::vector<pollfd> entries = {{listener, POLLIN, 0}};
  for (const auto& connection : connections) entries.push_back(connection->poll_entry());
  if (poll(entries.data(), entries.size(), timeout) < 0) return false;  // EINTR
  for (std::size_t i = connections.size(); i-- > 0;) {
    const short events = entries[i + 1].revents;
    if (events && !connections[i]->handle(events)) connections.erase(connections.begin() + static_cast<long>(i));
  }
  return entries[0].revents;
}

void serve(Connections& connections, int listener, SSL_CTX* context) {
  while (!stopped) {
    if (!take_turn(connections, listener, -1)) continue;
    if (auto connection = accept_connection(listener, context)) connections.push_back(std::move(connection));
  }
}

// What has come is echoed, then each connection is closed in order; those that take too long, at once.
void finish(Connections& connections) {
  const Clock::time_point end = Clock::now() + kGrace;
  std::erase_if(connections, [](const auto& connection) { return !connection->close_output(); });
  while (!connections.empty() && Clock::now() < end)
    take_turn(connections, -1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count()));
}

}  // namespace

int main(int argc, char** argv) {
  const int port = port_of_arguments(argc, argv, 4433, "It sends back whatever a client sends.");
  struct sigaction on_stop = {};
  on_stop.sa_handler = [](int) { stopped = 1; };
  sigaction(SIGINT, &on_stop, nullptr);
  sigaction(SIGTERM, &on_stop, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  SSL_CTX* context = make_server_context(2048);
  if (!context) ERR_print_errors_fp(stderr);
  const int listener = context ? listen_on_loopback("echo_server", port, 1) : -1;
  if (listener >= 0) {
    Connections connections;
    serve(connections, listener, context);
    close(listener);
    finish(connections);
  }
  SSL_CTX_free(context);
  return listener >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
