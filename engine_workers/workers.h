// The pool: a queue of calls and the threads that execute them.
#ifndef ENGINE_WORKERS_WORKERS_H
#define ENGINE_WORKERS_WORKERS_H

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

#include "engine_workers/call_queue.h"
#include "engine_workers/engine_workers.h"
#include "engine_workers/settings.h"
#include "engine_workers/statistics.h"

namespace openssl_event {

class Workers {
 public:
  explicit Workers(Settings settings);
  // Ends the threads; what has not begun is failed and posted.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // False, with an entry in the error queue, if the system does not give a thread.
  bool start() noexcept;
  // The call is not worth to be moved to another thread.
  bool leaves(const OPENSSL_EVENT* call) noexcept;
  // False: full, or ending.
  bool submit(OPENSSL_EVENT* call, openssl_completions_t* completions) noexcept;
  void drain() noexcept;
  void add_to(OPENSSL_WORKERS_STATISTICS& sum) const noexcept;
  bool is_this_thread_a_worker() const noexcept;

 private:
  struct alignas(64) Worker {
    Workers* pool;
    unsigned index;
    pthread_t thread;
    WorkerStatistics statistics;
  };

  static void* thread_main(void* worker) noexcept;
  void work(Worker& self) noexcept;
  void serve(Worker& self, const QueuedCall& call) noexcept;
  void hand_back(const QueuedCall& call) noexcept;

  const Settings settings_;
  CallQueue queue_;
  std::vector<Worker> workers_;
  unsigned started_ = 0;
  std::atomic<bool> ending_{false};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> left_{0};
  RunTimes run_times_;

  std::atomic<std::uint64_t> unfinished_{0};  // submitted and not yet posted
  std::mutex mutex_;                          // lets drain sleep until unfinished_ is 0
  std::condition_variable all_finished_;
};

}  // namespace openssl_event

#endif
