// What a worker counts. One thread, the worker, writes; any thread reads, at any time.
#ifndef ENGINE_WORKERS_STATISTICS_H
#define ENGINE_WORKERS_STATISTICS_H

#include <atomic>
#include <chrono>
#include <cstdint>

#include "engine_workers/engine_workers.h"

namespace openssl_event {

class Counter {
 public:
  void add(std::uint64_t n) noexcept { value_.store(value() + n, std::memory_order_relaxed); }  // one writer: no RMW
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Histogram {
 public:
  void add(std::chrono::nanoseconds duration) noexcept;
  void add_to(OPENSSL_HISTOGRAM& sum) const noexcept;  // in nanoseconds: rounding is for the whole

 private:
  Counter buckets_[OPENSSL_HISTOGRAM_BUCKETS];
  Counter nanoseconds_;
};

class WorkerStatistics {
 public:
  void taken() noexcept { running_.store(true, std::memory_order_relaxed); }
  void cancelled() noexcept;
  void executed(bool succeeded, std::chrono::nanoseconds wait, std::chrono::nanoseconds run) noexcept;
  void add_to(OPENSSL_WORKERS_STATISTICS& sum) const noexcept;

 private:
  void ended(Counter& how) noexcept;

  std::atomic<bool> running_{false};
  Counter done_, failed_, cancelled_;
  Histogram wait_, run_;
};

// Turns the sum over all workers into what the caller sees.
void finish_histogram(OPENSSL_HISTOGRAM& sum) noexcept;

}  // namespace openssl_event

#endif
