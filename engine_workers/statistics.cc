#include "engine_workers/statistics.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace openssl_event {
namespace {

std::size_t bucket_of(std::uint64_t microseconds) noexcept {
  return std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(microseconds)), OPENSSL_HISTOGRAM_BUCKETS - 1);
}

}  // namespace

void Histogram::add(std::chrono::nanoseconds duration) noexcept {
  const auto nanoseconds = static_cast<std::uint64_t>(duration.count());
  buckets_[bucket_of(nanoseconds / 1000)].add(1);
  nanoseconds_.add(nanoseconds);
}

void Histogram::add_to(OPENSSL_HISTOGRAM& sum) const noexcept {
  for (std::size_t i = 0; i < OPENSSL_HISTOGRAM_BUCKETS; i++) sum.buckets[i] += buckets_[i].value();
  sum.sum_microseconds += nanoseconds_.value();
}

void finish_histogram(OPENSSL_HISTOGRAM& sum) noexcept {
  sum.count = std::accumulate(std::begin(sum.buckets), std::end(sum.buckets), std::uint64_t{0});
  sum.sum_microseconds /= 1000;
}

void WorkerStatistics::ended(Counter& how) noexcept {
  how.add(1);
  running_.store(false, std::memory_order_relaxed);
}

void WorkerStatistics::cancelled() noexcept { ended(cancelled_); }

void WorkerStatistics::executed(bool succeeded, std::chrono::nanoseconds wait, std::chrono::nanoseconds run) noexcept {
  wait_.add(wait);
  run_.add(run);
  ended(succeeded ? done_ : failed_);
}

void WorkerStatistics::add_to(OPENSSL_WORKERS_STATISTICS& sum) const noexcept {
  sum.running += running_.load(std::memory_order_relaxed);
  sum.done += done_.value();
  sum.failed += failed_.value();
  sum.cancelled += cancelled_.value();
  wait_.add_to(sum.wait);
  run_.add_to(sum.run);
}

}  // namespace openssl_event
