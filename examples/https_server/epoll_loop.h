// The network thread: sockets, the workers' completions, time and signals, all by one epoll.
#ifndef EXAMPLES_HTTPS_SERVER_EPOLL_LOOP_H
#define EXAMPLES_HTTPS_SERVER_EPOLL_LOOP_H

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <list>
#include <vector>

#include "examples/https_server/connection.h"
#include "examples/https_server/shared.h"

namespace https {

class EpollLoop {
 public:
  // Takes both descriptors. `signals` is a signalfd of SIGTERM and SIGINT.
  EpollLoop(Shared& shared, int listener, int signals);
  ~EpollLoop();
  EpollLoop(const EpollLoop&) = delete;
  EpollLoop& operator=(const EpollLoop&) = delete;

  // Serves until a signal, or /quit, has ended it. False: epoll cannot be used; errno says why.
  bool run();

 private:
  using Clock = std::chrono::steady_clock;

  // What a peer does, and so how long it may take. The lists are in the order of their deadlines.
  enum Phase { kHandshaking, kTalking, kLingering, kPhases };

  struct Peer {
    Peer(Shared& shared, int descriptor) : fd(descriptor), connection(shared, this) {}
    const int fd;
    Connection connection;
    std::list<Peer>::iterator self;
    Phase phase = kHandshaking;
    Clock::time_point deadline;
    bool readable = false;  // as far as is known: until a read says otherwise
    bool writable = true;
    bool watches_output = false;
    bool hung_up = false;   // its end of input is coming
    bool ended = false;     // ... and has come
    bool closed = false;    // to be destroyed when no event of this turn can name it any more
  };

  bool watch(int fd, unsigned events, void* what);
  void dispatch(const epoll_event& event);
  void accept_waiting(int most);
  bool accept_failed(int reason);
  void pause_accepting();
  void resume_accepting();
  void add(int fd);
  void collect_completions();

  void serve(Peer& peer);
  bool receive(Peer& peer);
  bool send(Peer& peer);
  void wait_for_room(Peer& peer);
  void drain(Peer& peer);
  void settle(Peer& peer, bool moved);
  void enter(Peer& peer, Phase phase);
  void close_peer(Peer& peer, const char* why);

  void expire();
  void expire(Peer& peer);
  int milliseconds_to_wait() const;
  void begin_stop();
  void end_turn();

  Shared& shared_;
  const int epoll_;
  int listener_;
  const int signals_;
  std::array<std::list<Peer>, kPhases> peers_;
  std::list<Peer> closed_;
  std::vector<Peer*> unfinished_;  // that others have been let before
  Clock::time_point now_ = Clock::now();
  Clock::time_point grace_end_;
  Clock::time_point accepting_again_;
  bool accepting_ = true;
  bool completed_ = false;         // calls have come home
  bool stop_begun_ = false;
  int signals_seen_ = 0;
};

}  // namespace https

#endif
