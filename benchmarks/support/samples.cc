#include "benchmarks/support/samples.h"

#include <algorithm>

namespace benchmarks {

std::int64_t clock_cost() {
  static const std::int64_t cost = [] {
    Samples samples;
    for (int i = 0; i < 1000; ++i) {
      const std::int64_t begin = wall_now();
      samples.add(wall_now() - begin);
    }
    return static_cast<std::int64_t>(samples.median());
  }();
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
