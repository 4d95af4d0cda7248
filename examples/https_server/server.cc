#include "examples/https_server/server.h"

#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

namespace https {
namespace {

constexpr auto kLinger = std::chrono::seconds(2);
constexpr auto kAcceptPause = std::chrono::seconds(1);

}  // namespace

Peer::~Peer() { close(fd); }

Server::Server(Shared& shared, int listener, int signals) : shared_(shared), listener_(listener), signals_(signals) {}

Server::~Server() {
  if (listener_ >= 0) close(listener_);
  close(signals_);
}

// ---- Connections come ----

void Server::add(int fd) {
  Peers& list = peers(Phase::handshaking);
  list.push_back(make_peer(fd));
  Peer& peer = *list.back();
  peer.self = std::prev(list.end());
  peer.deadline = now_ + std::chrono::seconds(shared_.options.handshake_timeout);
  if (!peer.connection.valid() || !begin(peer)) close_peer(peer, "NO_MEMORY");
}

void Server::accept_waiting(int most) {
  for (int i = 0; i < most; ++i) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
      add(fd);
    else if (!accept_failed(errno))
      return;
  }
}

// accept(2): errors of the connection that was next are reported here. Without descriptors or memory the listener would be
// reported again and again: it is left alone until a connection closes, or for a while.
bool Server::accept_failed(int reason) {
  switch (reason) {
    case EAGAIN: return false;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      std::fprintf(stderr, "%s: cannot accept: %s; new connections wait\n", shared_.options.program.c_str(), std::strerror(reason));
      accept_paused_ = true;
      accepting_again_ = now_ + kAcceptPause;
      end_accepting();
      return false;
    default: return true;
  }
}

void Server::resume_accepting() {
  if (!accept_paused_ || listener_ < 0) return;
  accept_paused_ = false;
  begin_accepting();
}

// ---- Connections work ----

void Server::collect_completions() {
  while (OPENSSL_EVENT* call = openssl_collectCompletion(shared_.calls.completions))
    if (Connection* connection = Connection::take_back(shared_, call)) serve(*static_cast<Peer*>(connection->transport()));
}

void Server::serve(Peer& peer) {
  if (peer.closed) return;
  if (peer.phase == Phase::lingering) return drain(peer);
  move(peer);
  if (!peer.closed) settle(peer);
}

void Server::note(Peer& peer, loop::Moved moved) {
  if (moved == loop::Moved::end) end_input(peer);
  if (moved == loop::Moved::broken) close_peer(peer, "RESET");
  if (moved == loop::Moved::no_memory) close_peer(peer, "NO_MEMORY");
}

void Server::end_input(Peer& peer) {
  peer.hung_up = peer.ended = true;
  peer.connection.input_ended();
}

bool Server::wants_input(const Peer& peer) const {
  return !peer.closed && !peer.ended && (peer.phase == Phase::lingering || peer.connection.session().wants_input());
}

void Server::settle(Peer& peer) {
  const loop::Session& session = peer.connection.session();
  if (peer.hung_up && !session.established() && session.waits_for_call())
    return close_peer(peer, "TRUNCATED");  // nobody waits for the signature any more
  if (session.finished()) {
    const bool nothing_comes = peer.ended || session.peer_closed();
    if (nothing_comes || shutdown(peer.fd, SHUT_WR) != 0) return close_peer(peer, "");
    // Closing with input unread would make the kernel send a reset, which may overtake the last answer; so what still
    // comes is thrown away, for a while.
    enter(peer, Phase::lingering);
    return drain(peer);
  }
  const bool gets_on = peer.sent || peer.progress != peer.connection.progress();
  peer.sent = false;
  peer.progress = peer.connection.progress();
  const bool goes_on = peer.phase == Phase::handshaking || (peer.phase == Phase::talking && gets_on);
  if (session.established() && goes_on) enter(peer, Phase::talking);
}

void Server::enter(Peer& peer, Phase phase) {
  peers(phase).splice(peers(phase).end(), peers(peer.phase), peer.self);
  peer.phase = phase;
  peer.deadline = now_ + (phase == Phase::lingering ? kLinger : std::chrono::seconds(shared_.options.idle_timeout));
}

void Server::close_peer(Peer& peer, const char* why) {
  if (peer.closed) return;
  peer.closed = true;
  if (peer.connection.valid()) peer.connection.give_up(why);
  closed_.splice(closed_.end(), peers(peer.phase), peer.self);
  cancel(peer);
}

void Server::forget_peers() {
  for (Peers& list : peers_) list.clear();
  closed_.clear();
}

// ---- Time, and the end ----

void Server::read_signals() {
  signalfd_siginfo info;
  while (read(signals_, &info, sizeof info) == sizeof info) ++signals_seen_;
}

bool Server::end_turn() {
  expire();
  if ((shared_.stopping || signals_seen_) && !stop_begun_) begin_stop();
  if (std::erase_if(closed_, [](const auto& peer) { return peer->in_flight == 0; })) resume_accepting();
  return !stop_begun_ || !over();
}

void Server::expire() {
  for (Peers& list : peers_)
    while (!list.empty() && list.front()->deadline <= now_) expire(*list.front());
  if (accept_paused_ && accepting_again_ <= now_) resume_accepting();
}

// An idle connection has time to take its close_notify: the kernel's buffer may be full.
void Server::expire(Peer& peer) {
  if (peer.phase != Phase::talking || peer.connection.session().unsent() > 0) return close_peer(peer, "TIMEOUT");
  enter(peer, Phase::closing);
  peer.connection.close_when_done();
  serve(peer);
}

int Server::milliseconds_to_wait() const {
  Clock::time_point next = Clock::time_point::max();
  for (const Peers& list : peers_)
    if (!list.empty()) next = std::min(next, list.front()->deadline);
  if (accept_paused_) next = std::min(next, accepting_again_);
  if (stop_begun_) next = std::min(next, grace_end_);
  if (next == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now_).count();
  return static_cast<int>(std::clamp<long>(left, 0, 60'000));
}

// No new connections but those that the kernel has accepted for us; idle ones are closed; the others finish their answer.
void Server::begin_stop() {
  shared_.stopping = stop_begun_ = true;
  grace_end_ = now_ + std::chrono::seconds(shared_.options.grace);
  accept_waiting(SOMAXCONN);
  end_accepting();
  close(listener_);
  listener_ = -1;
  std::vector<Peer*> talking;
  for (const auto& peer : peers(Phase::talking)) talking.push_back(peer.get());
  for (Peer* peer : talking) serve(*peer);
}

// True: all have gone, those too whose time was up.
bool Server::over() {
  if (now_ >= grace_end_ || signals_seen_ > 1) {
    for (Peers& list : peers_)
      while (!list.empty()) close_peer(*list.front(), "SHUTDOWN");
    std::erase_if(closed_, [](const auto& peer) { return peer->in_flight == 0; });
  }
  return closed_.empty() && !accepting() && std::all_of(peers_.begin(), peers_.end(), [](const Peers& list) { return list.empty(); });
}

}  // namespace https
