#include "benchmarks/support/samples.h"

#include <algorithm>

namespace benchmarks {

namespace {

template <class Clock>
std::int64_t cost_of(Clock clock) {
  Samples samples;
  for (int i = 0; i < 1000; ++i) {
    const std::int64_t begin = clock();
    samples.add(clock() - begin);
  }
  return static_cast<std::int64_t>(samples.median());
}

}  // namespace

std::int64_t clock_cost() {
  static const std::int64_t cost = cost_of(wall_now);
  return cost;
}

std::int64_t thread_clock_cost() {
  static const std::int64_t cost = cost_of(now);
  return cost;
}

double Samples::percentile(double percent) const {
  if (values_.empty()) return 0;
  std::vector<double> sorted = values_;
  const auto place = static_cast<std::ptrdiff_t>(percent / 100 * static_cast<double>(sorted.size() - 1) + 0.5);
  std::nth_element(sorted.begin(), sorted.begin() + place, sorted.end());
  return sorted[static_cast<std::size_t>(place)];
}

}  // namespace benchmarks
