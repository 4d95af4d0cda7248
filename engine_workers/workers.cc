#include "engine_workers/workers.h"

#include <openssl/err.h>

#include <utility>

#include "engine_workers/execution.h"
#include "engine_workers/thread.h"

namespace openssl_event {
namespace {

// How many calls a worker takes at a time. More than one is for engines that execute a batch.
constexpr std::size_t kTake = 1;

thread_local const Workers* pool_of_this_thread = nullptr;

}  // namespace

Workers::Workers(Settings settings)
    : settings_(std::move(settings)), queue_(settings_.queue_length), workers_(settings_.threads) {}

bool Workers::start() noexcept {
  for (Worker& worker : workers_) {
    worker.pool = this;
    worker.index = started_;
    const int error = start_thread(worker.thread, settings_, thread_main, &worker);
    if (error) {
      ERR_raise_data(ERR_LIB_SYS, error, "cannot start engine worker %u of %u", started_ + 1, settings_.threads);
      return false;
    }
    started_++;
  }
  return true;
}

Workers::~Workers() {
  ending_.store(true, std::memory_order_release);
  queue_.wake();
  for (unsigned i = 0; i < started_; i++) pthread_join(workers_[i].thread, nullptr);
  QueuedCall call;
  while (queue_.pop(call)) {
    if (!openssl_isCancelled(call.event)) openssl_failCall(call.event, "workers shut down");
    hand_back(call);
  }
}

bool Workers::leaves(const OPENSSL_EVENT* call) noexcept {
  if (settings_.least.count() == 0 || !run_times_.are_below(kind_of_call(call->e), settings_.least)) return false;
  left_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool Workers::submit(OPENSSL_EVENT* call, openssl_completions_t* completions) noexcept {
  if (ending_.load(std::memory_order_acquire) || !queue_.reserve()) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  unfinished_.fetch_add(1, std::memory_order_relaxed);
  queue_.push({call, completions, Clock::now(), settings_.least.count() ? kind_of_call(call->e) : CallKind{0}});
  return true;
}

void Workers::drain() noexcept {
  std::unique_lock lock(mutex_);
  all_finished_.wait(lock, [this] { return unfinished_.load(std::memory_order_acquire) == 0; });
}

bool Workers::is_this_thread_a_worker() const noexcept { return pool_of_this_thread == this; }

void Workers::add_to(OPENSSL_WORKERS_STATISTICS& sum) const noexcept {
  sum.threads = settings_.threads;
  sum.queued = queue_.size();
  sum.refused = refused_.load(std::memory_order_relaxed);
  sum.left = left_.load(std::memory_order_relaxed);
  for (const Worker& worker : workers_) worker.statistics.add_to(sum);
  finish_histogram(sum.wait);
  finish_histogram(sum.run);
}

void* Workers::thread_main(void* worker) noexcept {
  Worker& self = *static_cast<Worker*>(worker);
  pool_of_this_thread = self.pool;
  name_this_thread(self.pool->settings_.name, self.index);
  lower_priority_of_this_thread(self.pool->settings_.nice);
  self.pool->work(self);
  return nullptr;
}

void Workers::work(Worker& self) noexcept {
  QueuedCall calls[kTake];
  while (!ending_.load(std::memory_order_acquire)) {
    const std::size_t taken = queue_.take(calls, kTake);
    for (std::size_t i = 0; i < taken; i++) serve(self, calls[i]);
  }
  queue_.wake();  // the next worker, that it ends too
}

void Workers::serve(Worker& self, const QueuedCall& call) noexcept {
  self.statistics.taken();
  if (openssl_isCancelled(call.event)) {
    self.statistics.cancelled();
  } else {
    const Clock::time_point begin = Clock::now();
    const bool succeeded = execute(call.event);
    const Clock::duration run = Clock::now() - begin;
    self.statistics.executed(succeeded, begin - call.submitted, run);
    if (succeeded) run_times_.learn(call.kind, run);
  }
  hand_back(call);
}

// From the post on, the event belongs to whoever collects it.
void Workers::hand_back(const QueuedCall& call) noexcept {
  openssl_postCompletion(call.completions, call.event);
  if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  std::lock_guard lock(mutex_);
  all_finished_.notify_all();
}

}  // namespace openssl_event
