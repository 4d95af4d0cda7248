// The echo server on epoll. It is told of what can be done, again and again until that is done (level-triggered), and says
// what it waits for whenever that changes. https_server does the same by edges.
//
//     epoll_echo_server [--port N]        4433 unless given; 0: any, printed. Loopback only.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <list>

#include "adapters/loop/socket.h"
#include "examples/echo.h"

namespace {

struct Client : EchoClient {
  using EchoClient::EchoClient;
  unsigned watched = EPOLLIN;
  std::list<Client>::iterator self;
};

class EpollServer final : public EchoServer {
 public:
  EpollServer(int signals, SSL_CTX* context) : signals_(signals), context_(context) {}
  ~EpollServer() override {
    if (epoll_ >= 0) close(epoll_);
  }

 private:
  bool has_clients() const override { return !clients_.empty(); }

  bool begin(int listener) override {
    listener_ = listener;
    return watch(EPOLL_CTL_ADD, listener_, EPOLLIN, &accepts_) && watch(EPOLL_CTL_ADD, signals_, EPOLLIN, &ends_);
  }

  void close_clients() override {
    epoll_ctl(epoll_, EPOLL_CTL_DEL, listener_, nullptr);
    epoll_ctl(epoll_, EPOLL_CTL_DEL, signals_, nullptr);
    for (auto client = clients_.begin(); client != clients_.end();) {
      client->echo.close();
      serve(*client++, 0);
    }
  }

  bool take_turn(int milliseconds) override {
    epoll_event ready[64];
    const int count = epoll_wait(epoll_, ready, 64, milliseconds);
    for (int i = 0; i < count; ++i) dispatch(ready[i]);
    return count >= 0 || errno == EINTR;
  }

  void dispatch(const epoll_event& event) {
    if (event.data.ptr == &accepts_)
      accept_client();
    else if (event.data.ptr == &ends_)
      stop();
    else
      serve(*static_cast<Client*>(event.data.ptr), event.events);
  }

  void serve(Client& client, unsigned events) {
    if (!loop::serve(client.fd, client.echo.session(), events) || !watch_wanted(client)) clients_.erase(client.self);
  }

  bool watch_wanted(Client& client) {
    const auto wanted = static_cast<unsigned short>(loop::wanted(client.echo.session()));
    if (wanted == client.watched) return true;
    client.watched = wanted;
    return watch(EPOLL_CTL_MOD, client.fd, wanted, &client);
  }

  bool watch(int operation, int fd, unsigned events, void* what) {
    epoll_event event = {};
    event.events = events;
    event.data.ptr = what;
    return epoll_ctl(epoll_, operation, fd, &event) == 0;
  }

  void accept_client() {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    Client& client = clients_.emplace_front(fd, context_);
    client.self = clients_.begin();
    if (!client.echo.valid() || !watch(EPOLL_CTL_ADD, fd, client.watched, &client)) clients_.erase(client.self);
  }

  int listener_ = -1;
  const int signals_;
  SSL_CTX* const context_;
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  std::list<Client> clients_;
  char accepts_, ends_;  // whose addresses name what is no client
};

}  // namespace

int main(int argc, char** argv) { return run_echo_server<EpollServer>("epoll_echo_server", argc, argv); }
