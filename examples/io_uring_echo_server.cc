// The echo server on io_uring. The kernel accepts and receives until it is told to stop (multishot), into buffers that
// records are opened in, and sends records from where they were sealed, as it does for io_uring_https_server.
//
//     io_uring_echo_server [--port N]        4433 unless given; 0: any, printed. Loopback only. Linux 6.1 or newer.
#include <sys/socket.h>

#include <list>
#include <memory>

#include "adapters/io_uring/receive_buffers.h"
#include "adapters/io_uring/ring.h"
#include "adapters/io_uring/send.h"
#include "examples/echo.h"

namespace {

constexpr unsigned kEntries = 1024, kCompletions = 16384, kBuffers = 256;

enum Operation { kAccept, kSignal, kReceive, kSend, kCancel };

struct Client : EchoClient {
  using EchoClient::EchoClient;
  loop::Send sending;
  bool receiving = false;
  bool over = false;  // it goes when the kernel has nothing of it
  std::list<Client>::iterator self;
};

class UringServer final : public EchoServer {
 public:
  UringServer(int signals, SSL_CTX* context) : signals_(signals), context_(context) {}
  ~UringServer() override { ring_.close(); }  // the kernel lets go of what is in flight, then clients and buffers go

  bool open() override {
    return ring_.open(kEntries, kCompletions) && (buffers_ = loop::ReceiveBuffers::create(*ring_.get(), 0, kBuffers)) != nullptr;
  }

  std::string explain(int reason) const override { return loop::Ring::explain(reason); }

 private:
  bool has_clients() const override { return !clients_.empty(); }

  bool begin(int listener) override {
    listener_ = listener;
    accept_clients();
    ring_.watch(signals_, kSignal);
    return true;
  }

  void close_clients() override {
    closing_ = true;
    ring_.cancel(kAccept, nullptr, kCancel);
    for (auto client = clients_.begin(); client != clients_.end();) {
      client->echo.close();
      serve(*client++);
    }
  }

  bool take_turn(int milliseconds) override {
    if (!ring_.submit_and_wait(milliseconds)) return false;
    for (io_uring_cqe completion; ring_.take(completion);) dispatch(completion);
    return true;
  }

  void dispatch(const io_uring_cqe& completion) {
    auto* client = loop::Ring::object_of<Client>(completion);
    switch (static_cast<Operation>(loop::Ring::operation_of(completion))) {
      case kAccept: return accepted(completion);
      case kSignal: return stop();
      case kReceive: return received(*client, completion);
      case kSend: return sent(*client, completion.res);
      case kCancel: return;  // the operation itself tells
    }
  }

  void accept_clients() { io_uring_prep_multishot_accept(ring_.add(kAccept), listener_, nullptr, nullptr, SOCK_CLOEXEC); }

  void accepted(const io_uring_cqe& completion) {
    if (loop::Ring::is_last(completion) && !closing_) accept_clients();
    if (completion.res < 0) return;
    Client& client = clients_.emplace_front(completion.res, context_);
    client.self = clients_.begin();
    client.over = !client.echo.valid() || closing_;
    serve(client);
  }

  void received(Client& client, const io_uring_cqe& completion) {
    if (loop::Ring::is_last(completion)) client.receiving = false;
    const loop::Moved moved = buffers_->take(client.echo.session(), completion, !client.over);
    if (moved == loop::Moved::end) client.echo.session().input_ended();
    if (moved == loop::Moved::broken || moved == loop::Moved::no_memory) client.over = true;
    serve(client);
  }

  void sent(Client& client, int result) {
    if (!client.sending.end(client.echo.session(), result)) client.over = true;
    serve(client);
  }

  void serve(Client& client) {
    loop::Session& session = client.echo.session();
    if (!client.over) session.run();
    if (!client.over && session.finished()) client.over = session.ended() || shutdown(client.fd, SHUT_WR) != 0;
    if (!client.over) client.sending.begin(ring_, kSend, &client, client.fd, session);
    receive(client, !client.over && session.wants_input());
    if (client.over) release(client);
  }

  void release(Client& client) {
    if (client.sending.active()) ring_.cancel(kSend, &client, kCancel);
    if (!client.receiving && !client.sending.active()) clients_.erase(client.self);
  }

  // Begins, or ends, what goes on by itself.
  void receive(Client& client, bool wanted) {
    if (client.receiving && !wanted) ring_.cancel(kReceive, &client, kCancel);
    if (client.receiving || !wanted) return;
    client.receiving = true;
    buffers_->prepare_receive(ring_.add(kReceive, &client), client.fd);
  }

  int listener_ = -1;
  const int signals_;
  SSL_CTX* const context_;
  loop::Ring ring_;
  std::unique_ptr<loop::ReceiveBuffers> buffers_;  // after the ring, and before the clients, whose records lie in them
  std::list<Client> clients_;
  bool closing_ = false;
};

}  // namespace

int main(int argc, char** argv) { return run_echo_server<UringServer>("io_uring_echo_server", argc, argv); }
