#include "compat/statistics.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "compat/pool.h"
#include "compat/settings.h"

namespace openssl_event::compat {
namespace {

void write_histogram(std::FILE* out, const char* name, const OPENSSL_HISTOGRAM& histogram) noexcept {
  std::fprintf(out, "%s: %" PRIu64 " calls, mean %.0f us;", name, histogram.count,
               histogram.count ? static_cast<double>(histogram.sum_microseconds) / static_cast<double>(histogram.count) : 0.0);
  for (unsigned i = 0; i < OPENSSL_HISTOGRAM_BUCKETS; ++i)
    if (histogram.buckets[i]) std::fprintf(out, " <%" PRIu64 "us:%" PRIu64, std::uint64_t{1} << i, histogram.buckets[i]);
  std::fputc('\n', out);
}

void write_to(std::FILE* out) noexcept {
  const Statistics& s = statistics();
  std::fprintf(out, "libssl_event_compat, process %d\n", getpid());
  std::fprintf(out,
               "calls %" PRIu64 ", offloaded %" PRIu64 ", in place %" PRIu64 ", waited for %" PRIu64 ", answered WANT %" PRIu64
               ", cancelled %" PRIu64 "\n",
               s.calls.load(), s.offloaded.load(), s.in_place.load(), s.waits.load(), s.answers.load(), s.cancelled.load());
  OPENSSL_WORKERS_STATISTICS pool;
  if (!pool_statistics(pool)) return;
  std::fprintf(out, "workers %u, failed %" PRIu64 ", refused %" PRIu64 "\n", pool.threads, pool.failed, pool.refused);
  write_histogram(out, "wait", pool.wait);
  write_histogram(out, "run", pool.run);
}

}  // namespace

Statistics& statistics() noexcept {
  static Statistics all;
  return all;
}

void write_statistics() noexcept {
  const char* name = settings().statistics;
  if (!name) return;
  const bool to_stderr = std::strcmp(name, "stderr") == 0;
  std::FILE* out = to_stderr ? stderr : std::fopen(name, "ae");
  if (!out) {
    std::fprintf(stderr, "libssl_event_compat: OPENSSL_EVENT_STATS=%s cannot be written: %s\n", name, std::strerror(errno));
    return;
  }
  write_to(out);
  if (to_stderr)
    std::fflush(out);
  else
    std::fclose(out);
}

}  // namespace openssl_event::compat
