// An engine call on its way, shared by the SSL that waits for it and the worker that executes it.
#ifndef COMPAT_PENDING_CALL_H
#define COMPAT_PENDING_CALL_H

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "openssl_event/event.h"

namespace openssl_event::compat {

// Whom the end of a call wakes, beside a thread that waits in wait().
struct Wake {
  enum class How { nobody, edge, descriptor };
  How how = How::nobody;
  int fd = -1;           // edge: the connection's socket; descriptor: an eventfd of ours
  ino_t inode = 0;       // edge: tells the socket from another one that has got its number
};

// The mutex is what "under the SSL's lock" means: no wake-up comes once cancel() has returned.
class PendingCall {
 public:
  // Begins `call`: by a worker, or, when none is to be had, here and now. nullptr without memory: the call is the caller's.
  static PendingCall* begin(Event* call, const Wake& wake) noexcept;

  bool is_done() noexcept;
  // Blocks until it is done. In a forked child, where its worker does not exist, executes it. No cancellation point.
  void wait() noexcept;
  // The same, at most so long. False: it is not done.
  bool wait(std::chrono::microseconds at_most) noexcept;

  // Whom to wake from now on.
  void set_wake(const Wake& wake) noexcept;

  // The event of a call that is done; the caller's. Ends this object.
  Event* take() noexcept;
  // Nobody needs the result. Ends this object for the caller; the event ends with it, now or when the worker is done.
  void cancel() noexcept;

  // By the worker.
  void ended() noexcept;

 private:
  PendingCall(Event* call, const Wake& wake) noexcept;
  ~PendingCall() = default;
  bool orphaned_by_fork() const noexcept;
  void wake() noexcept;
  void unref() noexcept;

  std::atomic<int> references_{2};
  const unsigned generation_;
  Event* const call_;
  std::mutex mutex_;
  std::condition_variable ended_;
  Wake wake_;
  bool done_ = false;
  bool cancelled_ = false;
};

// By the calling thread; the call has not been executed before.
void execute_in_place(Event* call) noexcept;

// Makes an edge-triggered epoll report the socket as writable again, as soon as it is: setting TCP_NOTSENT_LOWAT, even to the
// value it has, makes Linux run sk_write_space.
void raise_writable_edge(int fd) noexcept;

}  // namespace openssl_event::compat

#endif
