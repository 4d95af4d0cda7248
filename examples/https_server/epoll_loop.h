// The server's loop by epoll: sockets, the workers' completions, time and signals, all by one wait.
#ifndef EXAMPLES_HTTPS_SERVER_EPOLL_LOOP_H
#define EXAMPLES_HTTPS_SERVER_EPOLL_LOOP_H

#include <sys/epoll.h>

#include <memory>
#include <vector>

#include "examples/https_server/server.h"

namespace https {

class EpollLoop final : public Server {
 public:
  EpollLoop(Shared& shared, int listener, int signals);
  ~EpollLoop() override;
  bool run() override;

 private:
  struct EpollPeer final : Peer {
    using Peer::Peer;
    bool readable = false;  // as far as is known: until a read says otherwise
    bool writable = true;
    bool watches_output = false;
    bool unfinished = false;  // among unfinished_
  };
  static EpollPeer& mine(Peer& peer) { return static_cast<EpollPeer&>(peer); }

  std::unique_ptr<Peer> make_peer(int fd) override { return std::make_unique<EpollPeer>(shared(), fd); }
  bool begin(Peer& peer) override;
  bool begin_accepting() override;
  void end_accepting() override;
  bool accepting() const override { return false; }
  void move(Peer& peer) override;
  void drain(Peer& peer) override;
  void cancel(Peer& peer) override;

  bool watch(int fd, unsigned events, void* what);
  void dispatch(const epoll_event& event);
  bool receive(EpollPeer& peer);
  bool send(EpollPeer& peer);
  void wait_for_room(EpollPeer& peer);
  void serve_later(EpollPeer& peer);

  const int epoll_;
  std::vector<EpollPeer*> unfinished_;  // that others have been let before
  char accepts_, completes_, ends_;  // whose addresses name what is no peer
  bool completed_ = false;           // calls have come home
};

}  // namespace https

#endif
