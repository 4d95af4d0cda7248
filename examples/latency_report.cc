#include "examples/latency_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace {

constexpr double kFirstBound = 0.125;  // milliseconds; each bucket ends at twice the bound of the one before
constexpr int kBuckets = 16;
constexpr int kBarWidth = 26;

// The smallest latency that so great a part of all does not exceed. 0 if there are none.
double quantile(const std::vector<double>& sorted, double part) {
  if (sorted.empty()) return 0;
  const auto rank = static_cast<std::size_t>(std::ceil(part * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

int bucket_of(double latency) {
  const int i = latency < kFirstBound ? 0 : 1 + static_cast<int>(std::log2(latency / kFirstBound));
  return std::min(i, kBuckets - 1);
}

std::vector<std::size_t> count_buckets(const std::vector<double>& latencies) {
  std::vector<std::size_t> counts(kBuckets);
  for (const double latency : latencies) ++counts[static_cast<std::size_t>(bucket_of(latency))];
  return counts;
}

// "#######          70.0 %"; a bucket that is not empty shows a dot at least.
std::string bar(std::size_t count, std::size_t total) {
  if (count == 0) return std::string(kBarWidth + 8, ' ');
  const double part = static_cast<double>(count) / static_cast<double>(total);
  const auto length = static_cast<std::size_t>(part * kBarWidth);
  std::string line = length ? std::string(length, '#') : ".";
  line.resize(kBarWidth, ' ');
  char percent[16];
  std::snprintf(percent, sizeof percent, "%6.1f %%", 100 * part);
  return line + percent;
}

}  // namespace

void print_table(const std::vector<Measurement>& measurements) {
  std::printf("%-22s %10s %6s %8s %9s | %8s %8s %8s %8s ms\n", "", "handshakes", "failed", "per s", "requests", "p50", "p90",
              "p99", "max");
  for (const Measurement& m : measurements) {
    std::vector<double> sorted = m.latencies;
    std::sort(sorted.begin(), sorted.end());
    std::printf("%-22s %10zu %6zu %8.1f %9zu | %8.3f %8.3f %8.3f %8.3f\n", m.name.c_str(), m.handshakes, m.failed_handshakes,
                m.seconds > 0 ? static_cast<double>(m.handshakes) / m.seconds : 0.0, sorted.size(), quantile(sorted, .5),
                quantile(sorted, .9), quantile(sorted, .99), quantile(sorted, 1));
  }
}

void print_histogram(const std::vector<Measurement>& measurements) {
  std::vector<std::vector<std::size_t>> counts;
  int first = kBuckets, last = -1;
  for (const Measurement& m : measurements) {
    counts.push_back(count_buckets(m.latencies));
    for (int i = 0; i < kBuckets; ++i) {
      if (counts.back()[static_cast<std::size_t>(i)] == 0) continue;
      first = std::min(first, i);
      last = std::max(last, i);
    }
  }
  std::printf("%16s", "");
  for (const Measurement& m : measurements) std::printf("  %-*s", kBarWidth + 8, m.name.c_str());
  std::printf("\n");
  for (int i = first; i <= last; ++i) {
    std::printf("below %7.3g ms", std::ldexp(kFirstBound, i));
    for (std::size_t j = 0; j < counts.size(); ++j)
      std::printf("  %s", bar(counts[j][static_cast<std::size_t>(i)], measurements[j].latencies.size()).c_str());
    std::printf("\n");
  }
}
