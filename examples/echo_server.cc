// An echo server on poll(), after the SChannel author's first server: one thread, any number of connections.
//
//     echo_server [--port N]        4433 unless given; 0: any, printed. Loopback only.
//     openssl s_client -quiet -connect 127.0.0.1:4433
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "adapters/loop/socket.h"
#include "examples/echo.h"

namespace {

class PollServer final : public EchoServer {
 public:
  PollServer(int signals, SSL_CTX* context) : signals_(signals), context_(context) {}

 private:
  bool has_clients() const override { return !clients_.empty(); }

  bool begin(int listener) override {
    listener_ = listener;
    return true;
  }

  void close_clients() override {
    listener_ = signals_ = -1;  // which poll leaves out
    for (std::size_t i = clients_.size(); i-- > 0;) {
      clients_[i]->echo.close();
      serve(i, 0);
    }
  }

  // Waits for what each client is for, and serves those that have it.
  bool take_turn(int milliseconds) override {
    entries_ = {{listener_, POLLIN, 0}, {signals_, POLLIN, 0}};
    for (const auto& client : clients_) entries_.push_back({client->fd, loop::wanted(client->echo.session()), 0});
    if (poll(entries_.data(), entries_.size(), milliseconds) < 0) return errno == EINTR;
    for (std::size_t i = clients_.size(); i-- > 0;)
      if (const short events = entries_[i + 2].revents) serve(i, events);
    if (entries_[0].revents) accept_client();
    if (entries_[1].revents) stop();
    return true;
  }

  void serve(std::size_t i, short events) {
    EchoClient& client = *clients_[i];
    if (!loop::serve(client.fd, client.echo.session(), static_cast<unsigned short>(events)))
      clients_.erase(clients_.begin() + static_cast<long>(i));
  }

  void accept_client() {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    auto client = std::make_unique<EchoClient>(fd, context_);
    if (client->echo.valid()) clients_.push_back(std::move(client));
  }

  int listener_ = -1, signals_;
  SSL_CTX* const context_;
  std::vector<std::unique_ptr<EchoClient>> clients_;
  std::vector<pollfd> entries_;
};

}  // namespace

int main(int argc, char** argv) { return run_echo_server<PollServer>("echo_server", argc, argv); }
