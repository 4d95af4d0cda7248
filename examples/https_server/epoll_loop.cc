#include "examples/https_server/epoll_loop.h"

#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace https {
namespace {

constexpr int kEventsPerTurn = 256;
constexpr int kAcceptsPerTurn = 64;
constexpr int kSlices = 16;
constexpr int kRoundsPerTurn = 4;  // reads and writes of a connection before others have their turn
constexpr auto kLinger = std::chrono::seconds(2);
constexpr auto kAcceptPause = std::chrono::seconds(1);

// Edge-triggered: no call is needed to stop watching, and a peer remembers what it may do. Most connections never fill the
// kernel's buffer, so output is watched from the first time it is full.
constexpr unsigned kInput = EPOLLIN | EPOLLRDHUP | EPOLLET;
constexpr unsigned kInputAndOutput = kInput | EPOLLOUT;

bool try_again(int reason) { return reason == EAGAIN || reason == EWOULDBLOCK || reason == EINTR; }

}  // namespace

EpollLoop::EpollLoop(Shared& shared, int listener, int signals)
    : shared_(shared), epoll_(epoll_create1(EPOLL_CLOEXEC)), listener_(listener), signals_(signals) {}

EpollLoop::~EpollLoop() {
  for (auto& list : peers_)
    while (!list.empty()) close_peer(list.front(), "SHUTDOWN");
  if (listener_ >= 0) close(listener_);
  close(signals_);
  if (epoll_ >= 0) close(epoll_);
}

bool EpollLoop::watch(int fd, unsigned events, void* what) {
  epoll_event event = {};
  event.events = events;
  event.data.ptr = what;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool EpollLoop::run() {
  if (epoll_ < 0 || !watch(listener_, EPOLLIN, &listener_) || !watch(signals_, EPOLLIN, &signals_seen_) ||
      !watch(openssl_completionFd(shared_.completions), EPOLLIN, &completed_))
    return false;
  std::array<epoll_event, kEventsPerTurn> events;
  std::vector<Peer*> unfinished;
  while (true) {
    const int count = epoll_wait(epoll_, events.data(), kEventsPerTurn, milliseconds_to_wait());
    if (count < 0 && errno != EINTR) return false;
    now_ = Clock::now();
    unfinished.swap(unfinished_);
    for (int i = 0; i < count; ++i) dispatch(events[static_cast<std::size_t>(i)]);
    if (completed_) collect_completions();
    for (Peer* peer : unfinished) serve(*peer);
    unfinished.clear();
    expire();
    if ((shared_.stopping || signals_seen_) && !stop_begun_) begin_stop();
    end_turn();
    if (!stop_begun_) continue;
    const bool all_gone = std::all_of(peers_.begin(), peers_.end(), [](const auto& list) { return list.empty(); });
    if (all_gone || now_ >= grace_end_ || signals_seen_ > 1) return true;
  }
}

void EpollLoop::dispatch(const epoll_event& event) {
  if (event.data.ptr == &listener_) return accept_waiting(kAcceptsPerTurn);
  if (event.data.ptr == &completed_) {
    completed_ = true;
    return;
  }
  if (event.data.ptr == &signals_seen_) {
    signalfd_siginfo info;
    while (read(signals_, &info, sizeof info) == sizeof info) ++signals_seen_;
    return;
  }
  Peer& peer = *static_cast<Peer*>(event.data.ptr);
  if (event.events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) peer.readable = true;
  if (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) peer.hung_up = true;
  if (event.events & EPOLLOUT) peer.writable = true;
  serve(peer);
}

// ---- Connections come ----

void EpollLoop::accept_waiting(int most) {
  for (int i = 0; i < most; ++i) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
      add(fd);
    else if (!accept_failed(errno))
      return;
  }
}

// True: the next one may succeed (accept(2): errors of the connection that was next are reported here).
bool EpollLoop::accept_failed(int reason) {
  switch (reason) {
    case EAGAIN: return false;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      std::fprintf(stderr, "https_server: cannot accept: %s; new connections wait\n", std::strerror(reason));
      pause_accepting();
      return false;
    default: return true;
  }
}

// Else the listener would be reported again and again. Resumed when a connection closes, or after a while.
void EpollLoop::pause_accepting() {
  accepting_ = false;
  accepting_again_ = now_ + kAcceptPause;
  epoll_ctl(epoll_, EPOLL_CTL_DEL, listener_, nullptr);
}

void EpollLoop::resume_accepting() {
  if (accepting_ || listener_ < 0) return;
  accepting_ = true;
  watch(listener_, EPOLLIN, &listener_);
}

void EpollLoop::add(int fd) {
  auto& list = peers_[kHandshaking];
  Peer& peer = list.emplace_back(shared_, fd);
  peer.self = std::prev(list.end());
  peer.deadline = now_ + std::chrono::seconds(shared_.options.handshake_timeout);
  if (!peer.connection.valid() || !watch(fd, kInput, &peer)) close_peer(peer, "NO_MEMORY");
}

// ---- Connections work ----

void EpollLoop::collect_completions() {
  completed_ = false;
  while (OPENSSL_EVENT* call = openssl_collectCompletion(shared_.completions))
    if (Connection* connection = Connection::take_back(shared_, call)) serve(*static_cast<Peer*>(connection->transport()));
}

// Moves bytes both ways until nothing moves any more, or others must have their turn.
void EpollLoop::serve(Peer& peer) {
  if (peer.closed) return;
  if (peer.phase == kLingering) return drain(peer);
  bool moved_ever = false;
  for (int round = 0; round < kRoundsPerTurn; ++round) {
    bool moved = receive(peer);
    if (peer.closed) return;
    peer.connection.run();
    moved |= send(peer);
    if (peer.closed) return;
    moved_ever |= moved;
    if (!moved) return settle(peer, moved_ever);
  }
  unfinished_.push_back(&peer);
  settle(peer, true);
}

// Straight into the buffer that the machine will open the records in.
bool EpollLoop::receive(Peer& peer) {
  if (peer.hung_up && !peer.connection.established() && peer.connection.waits_for_call()) {
    close_peer(peer, "TRUNCATED");  // nobody waits for the signature any more
    return false;
  }
  if (!peer.readable || !peer.connection.wants_input()) return false;
  std::size_t room = 0;
  char* space = peer.connection.input_space(&room);
  const ssize_t n = space ? read(peer.fd, space, room) : -1;
  if (n > 0) {
    if (static_cast<std::size_t>(n) < room && !peer.hung_up) peer.readable = false;  // all there was: epoll(7)
    if (!peer.connection.received(static_cast<std::size_t>(n))) close_peer(peer, "NO_MEMORY");
    return true;
  }
  if (space && n < 0 && errno == EINTR) return true;
  peer.readable = false;
  if (n == 0) {
    peer.ended = true;
    peer.connection.input_ended();
  } else if (!space || !try_again(errno)) {
    close_peer(peer, space ? "RESET" : "NO_MEMORY");
  }
  return n == 0;
}

bool EpollLoop::send(Peer& peer) {
  if (!peer.writable) return false;
  iovec slices[kSlices];
  const int count = peer.connection.gather(slices, kSlices);
  if (count <= 0) return false;
  std::size_t total = 0;
  for (int i = 0; i < count; ++i) total += slices[i].iov_len;
  const ssize_t n = writev(peer.fd, slices, count);
  if (n < 0) {
    if (errno == EINTR) return true;
    if (try_again(errno))
      wait_for_room(peer);
    else
      close_peer(peer, "RESET");
    return false;
  }
  peer.connection.sent(static_cast<std::size_t>(n));
  if (static_cast<std::size_t>(n) < total) wait_for_room(peer);
  return true;
}

// The kernel's buffer is full.
void EpollLoop::wait_for_room(Peer& peer) {
  peer.writable = false;
  if (peer.watches_output) return;
  epoll_event event = {};
  event.events = kInputAndOutput;
  event.data.ptr = &peer;
  peer.watches_output = epoll_ctl(epoll_, EPOLL_CTL_MOD, peer.fd, &event) == 0;
}

void EpollLoop::settle(Peer& peer, bool moved) {
  if (peer.connection.finished()) {
    const bool nothing_comes = peer.ended || peer.connection.peer_closed();
    if (nothing_comes || shutdown(peer.fd, SHUT_WR) != 0) return close_peer(peer, "");
    enter(peer, kLingering);
    return drain(peer);
  }
  if (peer.connection.established() && (moved || peer.phase == kHandshaking)) enter(peer, kTalking);
}

// All is sent. Closing with input unread would make the kernel send a reset, which may overtake the last answer; so what
// still comes is thrown away, for a while.
void EpollLoop::drain(Peer& peer) {
  if (!peer.readable && !peer.hung_up) return;
  char thrown_away[16384];
  for (int i = 0; i < kRoundsPerTurn; ++i) {
    const ssize_t n = read(peer.fd, thrown_away, sizeof thrown_away);
    if (n > 0) continue;
    peer.readable = false;
    if (n == 0 || !try_again(errno)) close_peer(peer, "");
    return;
  }
  unfinished_.push_back(&peer);
}

void EpollLoop::enter(Peer& peer, Phase phase) {
  peers_[phase].splice(peers_[phase].end(), peers_[peer.phase], peer.self);
  peer.phase = phase;
  peer.deadline = now_ + (phase == kLingering ? kLinger : std::chrono::seconds(shared_.options.idle_timeout));
}

void EpollLoop::close_peer(Peer& peer, const char* why) {
  if (peer.closed) return;
  peer.closed = true;
  if (peer.connection.valid()) peer.connection.give_up(why);
  close(peer.fd);
  closed_.splice(closed_.end(), peers_[peer.phase], peer.self);
}

// ---- Time, and the end ----

void EpollLoop::expire() {
  for (auto& list : peers_)
    while (!list.empty() && list.front().deadline <= now_) expire(list.front());
  if (!accepting_ && accepting_again_ <= now_) resume_accepting();
}

void EpollLoop::expire(Peer& peer) {
  if (peer.phase == kTalking && peer.connection.unsent() == 0) {
    peer.connection.close_when_done();
    serve(peer);
  }
  if (!peer.closed && peer.deadline <= now_) close_peer(peer, "TIMEOUT");
}

int EpollLoop::milliseconds_to_wait() const {
  if (!unfinished_.empty()) return 0;
  Clock::time_point next = Clock::time_point::max();
  for (const auto& list : peers_)
    if (!list.empty()) next = std::min(next, list.front().deadline);
  if (!accepting_) next = std::min(next, accepting_again_);
  if (stop_begun_) next = std::min(next, grace_end_);
  if (next == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now_).count();
  return static_cast<int>(std::clamp<long>(left, 0, 60'000));
}

// No new connections but those that the kernel has accepted for us; idle ones are closed; the others finish their answer.
void EpollLoop::begin_stop() {
  shared_.stopping = stop_begun_ = true;
  grace_end_ = now_ + std::chrono::seconds(shared_.options.grace);
  accept_waiting(SOMAXCONN);
  close(listener_);
  listener_ = -1;
  std::vector<Peer*> talking;
  for (Peer& peer : peers_[kTalking]) talking.push_back(&peer);
  for (Peer* peer : talking) serve(*peer);
}

void EpollLoop::end_turn() {
  if (closed_.empty()) return;
  std::erase_if(unfinished_, [](const Peer* peer) { return peer->closed; });
  closed_.clear();
  resume_accepting();
}

}  // namespace https
