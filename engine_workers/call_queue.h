// The line of calls that wait for a worker.
#ifndef ENGINE_WORKERS_CALL_QUEUE_H
#define ENGINE_WORKERS_CALL_QUEUE_H

#include <semaphore.h>

#include <atomic>
#include <boost/lockfree/queue.hpp>
#include <chrono>
#include <cstddef>

#include "engine_workers/run_times.h"
#include "openssl_event/openssl_event.h"

namespace openssl_event {

using Clock = std::chrono::steady_clock;

struct QueuedCall {
  OPENSSL_EVENT* event;
  openssl_completions_t* completions;
  Clock::time_point submitted;
  CallKind kind;
};

// Bounded, first in first out. Any thread pushes; the workers pop, and, when they have ended, the thread that frees the
// pool. Neither waits for the other; a worker that finds nothing sleeps on the semaphore, which counts the calls
// pushed.
//
// Boost tells a node that is used anew from what it was before by a tag of 16 bits. For a mistake, a thread must be
// held up inside one pop while just a multiple of 65,536 calls go by, which takes RSA-2048 signatures many seconds.
class CallQueue {
 public:
  explicit CallQueue(std::size_t length);
  ~CallQueue();
  CallQueue(const CallQueue&) = delete;
  CallQueue& operator=(const CallQueue&) = delete;

  // A place in the queue; false: there is none. Each reserve is followed by one push, which cannot fail.
  bool reserve() noexcept;
  void push(const QueuedCall& call) noexcept;

  // Waits for a call, and takes it and those behind it, up to `max`. 0: it was woken.
  std::size_t take(QueuedCall* calls, std::size_t max) noexcept;
  // Lets one take return.
  void wake() noexcept { sem_post(&available_); }
  // The oldest call; false: there is none. Never waits.
  bool pop(QueuedCall& call) noexcept;

  std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

 private:
  const std::size_t length_;
  boost::lockfree::queue<QueuedCall, boost::lockfree::fixed_sized<true>> calls_;
  std::atomic<std::size_t> size_{0};  // places reserved; given back after the node is free, so that push finds one
  sem_t available_;  // not std::counting_semaphore: that of GCC 12 loses wake-ups (GCC PR 104928)
};

}  // namespace openssl_event

#endif
