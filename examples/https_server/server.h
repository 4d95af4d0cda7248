// The server but for its loop: connections come, have their time for what they do, and go; calls come home; the end.
// A loop derives from it, waits, and moves bytes.
#ifndef EXAMPLES_HTTPS_SERVER_SERVER_H
#define EXAMPLES_HTTPS_SERVER_SERVER_H

#include <array>
#include <chrono>
#include <list>
#include <memory>

#include "adapters/loop/socket.h"
#include "examples/https_server/connection.h"
#include "examples/https_server/shared.h"

namespace https {

// What a peer does, and so how long it may take.
enum class Phase { handshaking, talking, closing, lingering };

// A connection with its socket.
struct Peer {
  Peer(Shared& shared, int socket) : fd(socket), connection(shared, this) {}
  virtual ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  const int fd;
  Connection connection;
  std::list<std::unique_ptr<Peer>>::iterator self;
  Phase phase = Phase::handshaking;
  std::chrono::steady_clock::time_point deadline;
  int in_flight = 0;    // operations that the kernel has; it is destroyed when there are none
  bool sent = false;    // bytes have gone since it was settled
  bool hung_up = false;  // the end of its input is coming
  bool ended = false;    // it has come
  unsigned long progress = 0;  // its connection's, when that had its deadline
  bool closed = false;  // to be destroyed when nothing can name it any more
};

class Server {
 public:
  // Takes both descriptors. `signals` is a signalfd of SIGTERM and SIGINT.
  Server(Shared& shared, int listener, int signals);
  virtual ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves until a signal, or /quit, has ended it. False: the kernel does not play; errno says why.
  virtual bool run() = 0;

 protected:
  using Clock = std::chrono::steady_clock;

  // ---- The loop's part ----

  virtual std::unique_ptr<Peer> make_peer(int fd) = 0;
  virtual bool begin(Peer& peer) = 0;  // watches it from now on; false: no memory
  virtual bool begin_accepting() = 0;
  virtual void end_accepting() = 0;
  virtual bool accepting() const = 0;  // connections may still come that the kernel has accepted
  virtual void move(Peer& peer) = 0;   // runs its connection and moves bytes, as far as possible now
  virtual void drain(Peer& peer) = 0;  // throws away what comes, and closes it at the end of that
  virtual void cancel(Peer& peer) = 0;  // it is closed: what is in flight is to end

  // ---- What the loop calls ----

  void forget_peers();  // at its own end, if there are any left: nothing is in flight any more

  void begin_turn() { now_ = Clock::now(); }
  bool end_turn();                   // false: the server has ended
  int milliseconds_to_wait() const;  // -1: without limit

  void add(int fd);
  void accept_waiting(int most);     // those that the kernel has accepted for us
  bool accept_failed(int reason);    // true: the next one may succeed
  void collect_completions();
  void read_signals();
  void serve(Peer& peer);                     // when something has happened to it
  void note(Peer& peer, loop::Moved moved);   // of its bytes, by a read or a write
  void end_input(Peer& peer);                 // no more bytes will come
  bool wants_input(const Peer& peer) const;
  void close_peer(Peer& peer, const char* why);

  int listener() const { return listener_; }
  int signals() const { return signals_; }
  Shared& shared() { return shared_; }

 private:
  using Peers = std::list<std::unique_ptr<Peer>>;
  void settle(Peer& peer);
  Peers& peers(Phase phase) { return peers_[static_cast<std::size_t>(phase)]; }
  void enter(Peer& peer, Phase phase);
  void resume_accepting();
  void expire();
  void expire(Peer& peer);
  void begin_stop();
  bool over();

  Shared& shared_;
  int listener_;
  const int signals_;
  std::array<Peers, 4> peers_;  // by phase, each in the order of its deadlines
  Peers closed_;
  Clock::time_point now_ = Clock::now();
  Clock::time_point grace_end_;
  Clock::time_point accepting_again_;
  bool accept_paused_ = false;
  bool stop_begun_ = false;
  int signals_seen_ = 0;
};

}  // namespace https

#endif
