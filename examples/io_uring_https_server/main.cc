// https_server on io_uring: one ring for connections, bytes, the workers' completions and signals. The kernel accepts and
// receives without being asked again (multishot), into buffers that records are opened in; it sends records from where they
// were sealed, and they go back to the machine when it says that it has sent them. Linux 6.1 or newer; flags: see --help.
#include <cerrno>
#include <memory>

#include "adapters/io_uring/receive_buffers.h"
#include "adapters/io_uring/ring.h"
#include "adapters/io_uring/send.h"
#include "examples/https_server/program.h"

namespace {

using https::Peer, https::Phase;

constexpr unsigned kEntries = 4096, kCompletions = 32768, kBuffers = 1024;

enum Operation { kAccept, kSignal, kCalls, kReceive, kSend, kCancel };

struct UringPeer final : Peer {
  using Peer::Peer;
  bool receiving = false;  // in flight
  loop::Send sending;
};

class UringLoop final : public https::Server {
 public:
  using Server::Server;

  // The kernel lets go of what is in flight, then the peers of their records, then the buffers go.
  ~UringLoop() override {
    ring_.close();
    forget_peers();
  }

  bool open() {
    if (!ring_.open(kEntries, kCompletions)) return false;
    return (buffers_ = loop::ReceiveBuffers::create(*ring_.get(), 0, kBuffers)) != nullptr;
  }

  bool run() override {
    begin_accepting();
    ring_.watch(signals(), kSignal);
    ring_.watch(openssl_completionFd(shared().calls.completions), kCalls);
    do {
      if (!ring_.submit_and_wait(milliseconds_to_wait())) return false;
      begin_turn();
      for (io_uring_cqe completion; ring_.take(completion);) dispatch(completion);
    } while (end_turn());
    return true;
  }

 private:
  void dispatch(const io_uring_cqe& completion) {
    auto* const peer = loop::Ring::object_of<UringPeer>(completion);
    const bool last = loop::Ring::is_last(completion);
    switch (static_cast<Operation>(loop::Ring::operation_of(completion))) {
      case kAccept: return accepted(completion.res, last);
      case kReceive: return received(*peer, completion, last);
      case kSend: return sent(*peer, completion.res);
      case kSignal:
        if (last) ring_.watch(signals(), kSignal);
        return read_signals();
      case kCalls:
        if (last) ring_.watch(openssl_completionFd(shared().calls.completions), kCalls);
        return collect_completions();
      case kCancel: return;  // the operation itself tells
    }
  }

  // ---- Connections come and go ----

  std::unique_ptr<Peer> make_peer(int fd) override { return std::make_unique<UringPeer>(shared(), fd); }

  bool begin_accepting() override {
    accepting_ = true;
    io_uring_prep_multishot_accept(ring_.add(kAccept), listener(), nullptr, nullptr, SOCK_CLOEXEC);
    return true;
  }

  void end_accepting() override {
    if (accepting_) ring_.cancel(kAccept, nullptr, kCancel);
  }

  bool accepting() const override { return accepting_; }

  void accepted(int result, bool last) {
    if (last) accepting_ = false;
    if (result >= 0) add(result);
    const bool goes_on = result >= 0 || (result != -ECANCELED && accept_failed(-result));
    if (last && goes_on && listener() >= 0) begin_accepting();
  }

  bool begin(Peer& peer) override {
    receive(static_cast<UringPeer&>(peer));
    return true;
  }

  void cancel(Peer& peer) override {
    if (static_cast<UringPeer&>(peer).receiving) ring_.cancel(kReceive, &peer, kCancel);
    if (static_cast<UringPeer&>(peer).sending.active()) ring_.cancel(kSend, &peer, kCancel);
  }

  // ---- Bytes ----

  void move(Peer& any) override {
    auto& peer = static_cast<UringPeer&>(any);
    peer.connection.run();
    send(peer);
    receive(peer);
  }

  // Goes on by itself until the input's end, an error, or a lack of buffers; or until it is cancelled, because the peer sends
  // faster than it is answered.
  void receive(UringPeer& peer) {
    if (peer.receiving || !wants_input(peer)) return;
    peer.receiving = true;
    ++peer.in_flight;
    buffers_->prepare_receive(ring_.add(kReceive, &peer), peer.fd);
  }

  void received(UringPeer& peer, const io_uring_cqe& completion, bool last) {
    if (last) {
      peer.receiving = false;
      --peer.in_flight;
    }
    if (peer.receiving && !peer.closed && !wants_input(peer)) ring_.cancel(kReceive, &peer, kCancel);
    const bool wanted = !peer.closed && peer.phase != Phase::lingering;
    note(peer, buffers_->take(peer.connection.session(), completion, wanted));
    serve(peer);
  }

  void send(UringPeer& peer) {
    if (peer.sending.begin(ring_, kSend, &peer, peer.fd, peer.connection.session())) ++peer.in_flight;
  }

  void sent(UringPeer& peer, int result) {
    --peer.in_flight;
    peer.sent |= result > 0;
    if (!peer.sending.end(peer.connection.session(), result)) close_peer(peer, "RESET");
    serve(peer);
  }

  void drain(Peer& peer) override {
    if (peer.ended) return close_peer(peer, "");
    receive(static_cast<UringPeer&>(peer));
  }

  loop::Ring ring_;
  std::unique_ptr<loop::ReceiveBuffers> buffers_;
  bool accepting_ = false;
};

std::unique_ptr<https::Server> make_server(https::Shared& shared, int listener, int signals, std::string& error) {
  auto server = std::make_unique<UringLoop>(shared, listener, signals);
  if (server->open()) return server;
  error = loop::Ring::explain(errno) + "; https_server does the same by epoll";
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) { return https::run_program("io_uring_https_server", argc, argv, make_server); }
