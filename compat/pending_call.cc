#include "compat/pending_call.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <new>

#include "compat/pool.h"
#include "compat/statistics.h"

namespace openssl_event::compat {

PendingCall::PendingCall(Event* call, const Wake& wake) noexcept
    : generation_(process_generation()), call_(call), wake_(wake) {}

PendingCall* PendingCall::begin(Event* call, const Wake& wake) noexcept {
  auto* pending = new (std::nothrow) PendingCall(call, wake);
  if (!pending) return nullptr;
  statistics().calls++;
  if (submit(call, pending)) {
    statistics().offloaded++;
    return pending;
  }
  execute_in_place(call);
  pending->done_ = true;
  pending->unref();
  return pending;
}

// The worker's half of this object is the parent's: its lock may be held for ever, its thread does not exist.
bool PendingCall::orphaned_by_fork() const noexcept { return generation_ != process_generation(); }

bool PendingCall::is_done() noexcept {
  if (orphaned_by_fork()) {
    if (kind_of(call_) == OPENSSL_ENGINE_CALL_OUT_KIND) execute_in_place(call_);
    return true;
  }
  std::lock_guard hold(mutex_);
  return done_;
}

void PendingCall::wait() noexcept {
  if (orphaned_by_fork()) {
    is_done();
    return;
  }
  int previous;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &previous);
  {
    std::unique_lock hold(mutex_);
    if (!done_) statistics().waits++;
    ended_.wait(hold, [this] { return done_; });
  }
  pthread_setcancelstate(previous, nullptr);
}

bool PendingCall::wait(std::chrono::microseconds at_most) noexcept {
  if (orphaned_by_fork()) return is_done();
  std::unique_lock hold(mutex_);
  if (!done_) statistics().pauses++;
  return ended_.wait_for(hold, at_most, [this] { return done_; });
}

void PendingCall::set_wake(const Wake& wake) noexcept {
  if (orphaned_by_fork()) return;
  std::lock_guard hold(mutex_);
  wake_ = wake;
}

Event* PendingCall::take() noexcept {
  Event* call = call_;
  unref();
  return call;
}

void PendingCall::cancel() noexcept {
  statistics().cancelled++;
  if (orphaned_by_fork()) {
    destroy_event(call_);
    return unref();  // never freed: its other half is the parent's
  }
  bool done;
  {
    std::lock_guard hold(mutex_);
    cancelled_ = true;
    done = done_;
    if (!done) orphan(call_);
  }
  if (done) destroy_event(call_);
  unref();
}

void PendingCall::ended() noexcept {
  bool cancelled;
  {
    std::lock_guard hold(mutex_);
    done_ = true;
    cancelled = cancelled_;
    // Whoever waits for it executes it, if the pool has ended, and again, for the errors as they are, if it has failed.
    if (!call_->succeeded) call_->declined = true;
    if (!cancelled) wake();
    ended_.notify_all();
  }
  if (cancelled) openssl_returnEvent(&call_->pub);
  unref();
}

void PendingCall::wake() noexcept {
  struct stat now;
  switch (wake_.how) {
    case Wake::How::nobody:
      return;
    case Wake::How::edge:
      if (fstat(wake_.fd, &now) == 0 && now.st_ino == wake_.inode) raise_writable_edge(wake_.fd);
      return;
    case Wake::How::descriptor: {
      const std::uint64_t one = 1;
      [[maybe_unused]] const ssize_t written = write(wake_.fd, &one, sizeof one);
      return;
    }
  }
}

void PendingCall::unref() noexcept {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

void execute_in_place(Event* call) noexcept {
  statistics().in_place++;
  openssl_defaultEngine()->call(&call->pub);
}

void raise_writable_edge(int fd) noexcept {
  // A socket that is full just now says so when it has room, but only to who has asked.
  pollfd room = {fd, POLLOUT, 0};
  poll(&room, 1, 0);
  int value = 0;
  socklen_t size = sizeof value;
  if (getsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &value, &size) == 0)
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &value, sizeof value);
}

}  // namespace openssl_event::compat
