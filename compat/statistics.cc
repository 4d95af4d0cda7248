#include "compat/statistics.h"

#include <unistd.h>

#include <cinttypes>

#include "compat/pool.h"

namespace openssl_event::compat {
namespace {

constinit Statistics all;

void write_histogram(std::FILE* out, const char* name, const OPENSSL_HISTOGRAM& histogram) noexcept {
  std::fprintf(out, "%s: %" PRIu64 " calls, mean %.0f us;", name, histogram.count,
               histogram.count ? static_cast<double>(histogram.sum_microseconds) / static_cast<double>(histogram.count) : 0.0);
  for (unsigned i = 0; i < OPENSSL_HISTOGRAM_BUCKETS; ++i)
    if (histogram.buckets[i]) std::fprintf(out, " <%" PRIu64 "us:%" PRIu64, std::uint64_t{1} << i, histogram.buckets[i]);
  std::fputc('\n', out);
}

}  // namespace

Statistics& statistics() noexcept { return all; }

void reset_statistics() noexcept {
  for (auto* number : {&all.calls, &all.offloaded, &all.in_place, &all.waits, &all.cancelled, &all.answers, &all.pauses,
                       &all.sealed, &all.opened})
    number->store(0, std::memory_order_relaxed);
}

void write_statistics(std::FILE* out) noexcept {
  std::fprintf(out, "libssl_event_compat, process %d\n", getpid());
  std::fprintf(out,
               "calls %" PRIu64 ", offloaded %" PRIu64 ", in place %" PRIu64 ", waited for %" PRIu64 ", cancelled %" PRIu64
               ", answered WANT %" PRIu64 ", paused %" PRIu64 "\n",
               all.calls.load(), all.offloaded.load(), all.in_place.load(), all.waits.load(), all.cancelled.load(),
               all.answers.load(), all.pauses.load());
  std::fprintf(out, "records sealed %" PRIu64 ", records opened %" PRIu64 "\n", all.sealed.load(), all.opened.load());
  OPENSSL_WORKERS_STATISTICS pool;
  if (!pool_statistics(pool)) return;
  std::fprintf(out, "workers %u, failed %" PRIu64 ", refused %" PRIu64 "\n", pool.threads, pool.failed, pool.refused);
  write_histogram(out, "wait", pool.wait);
  write_histogram(out, "run", pool.run);
}

}  // namespace openssl_event::compat
