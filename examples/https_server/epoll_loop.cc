#include "examples/https_server/epoll_loop.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace https {
namespace {

constexpr int kEventsPerTurn = 256;
constexpr int kAcceptsPerTurn = 64;
constexpr int kRoundsPerTurn = 4;  // reads and writes of a connection before others have their turn

// Edge-triggered: no call is needed to stop watching, and a peer remembers what it may do. Most connections never fill the
// kernel's buffer, so output is watched from the first time it is full.
constexpr unsigned kInput = EPOLLIN | EPOLLRDHUP | EPOLLET;
constexpr unsigned kInputAndOutput = kInput | EPOLLOUT;

}  // namespace

EpollLoop::EpollLoop(Shared& shared, int listener, int signals)
    : Server(shared, listener, signals), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

EpollLoop::~EpollLoop() {
  if (epoll_ >= 0) close(epoll_);
}

bool EpollLoop::watch(int fd, unsigned events, void* what) {
  epoll_event event = {};
  event.events = events;
  event.data.ptr = what;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool EpollLoop::begin(Peer& peer) { return watch(peer.fd, kInput, &peer); }
bool EpollLoop::begin_accepting() { return watch(listener(), EPOLLIN, &accepts_); }
void EpollLoop::end_accepting() { epoll_ctl(epoll_, EPOLL_CTL_DEL, listener(), nullptr); }

bool EpollLoop::run() {
  if (epoll_ < 0 || !begin_accepting() || !watch(signals(), EPOLLIN, &ends_) ||
      !watch(openssl_completionFd(shared().calls.completions), EPOLLIN, &completes_))
    return false;
  std::array<epoll_event, kEventsPerTurn> events;
  std::vector<EpollPeer*> unfinished;
  do {
    const int count = epoll_wait(epoll_, events.data(), kEventsPerTurn, unfinished_.empty() ? milliseconds_to_wait() : 0);
    if (count < 0 && errno != EINTR) return false;
    begin_turn();
    unfinished.swap(unfinished_);
    for (int i = 0; i < count; ++i) dispatch(events[static_cast<std::size_t>(i)]);
    if (completed_) collect_completions();
    completed_ = false;
    for (EpollPeer* peer : unfinished) peer->unfinished = false;
    for (EpollPeer* peer : unfinished) serve(*peer);
    unfinished.clear();
  } while (end_turn());
  return true;
}

void EpollLoop::dispatch(const epoll_event& event) {
  if (event.data.ptr == &accepts_) return accept_waiting(kAcceptsPerTurn);
  if (event.data.ptr == &ends_) return read_signals();
  if (event.data.ptr == &completes_) {
    completed_ = true;
    return;
  }
  EpollPeer& peer = *static_cast<EpollPeer*>(event.data.ptr);
  if (event.events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) peer.readable = true;
  if (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) peer.hung_up = true;
  if (event.events & EPOLLOUT) peer.writable = true;
  serve(peer);
}

// Moves bytes both ways until nothing moves any more, or others must have their turn.
void EpollLoop::move(Peer& any) {
  EpollPeer& peer = mine(any);
  bool moves = true;
  for (int round = 0; moves && round < kRoundsPerTurn; ++round) {
    moves = receive(peer);
    if (peer.closed) return;
    peer.connection.run();
    moves |= send(peer);
  }
  if (moves) serve_later(peer);
}

bool EpollLoop::receive(EpollPeer& peer) {
  if (!peer.readable || !wants_input(peer)) return false;
  const loop::Moved moved = loop::receive(peer.fd, peer.connection.session());
  note(peer, moved);
  peer.readable = moved == loop::Moved::bytes || (moved == loop::Moved::last && peer.hung_up);
  return moved != loop::Moved::blocked;
}

bool EpollLoop::send(EpollPeer& peer) {
  if (!peer.writable) return false;
  const loop::Moved moved = loop::send(peer.fd, peer.connection.session());
  note(peer, moved);
  if (moved == loop::Moved::last || moved == loop::Moved::blocked) wait_for_room(peer);
  peer.sent |= loop::has_moved(moved);
  return loop::has_moved(moved);
}

// The kernel's buffer is full.
void EpollLoop::wait_for_room(EpollPeer& peer) {
  peer.writable = false;
  if (peer.watches_output) return;
  epoll_event event = {};
  event.events = kInputAndOutput;
  event.data.ptr = &peer;
  peer.watches_output = epoll_ctl(epoll_, EPOLL_CTL_MOD, peer.fd, &event) == 0;
}

void EpollLoop::drain(Peer& any) {
  EpollPeer& peer = mine(any);
  if (!peer.readable && !peer.hung_up) return;
  char thrown_away[16384];
  for (int i = 0; i < kRoundsPerTurn; ++i) {
    const ssize_t n = read(peer.fd, thrown_away, sizeof thrown_away);
    if (n > 0) continue;
    peer.readable = false;
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) close_peer(peer, "");
    return;
  }
  serve_later(peer);
}

void EpollLoop::serve_later(EpollPeer& peer) {
  if (peer.closed || std::exchange(peer.unfinished, true)) return;
  unfinished_.push_back(&peer);
}

// Nothing of it is in flight: the kernel has copied it.
void EpollLoop::cancel(Peer& peer) {
  if (mine(peer).unfinished) std::erase(unfinished_, &mine(peer));
}

}  // namespace https
