#include "benchmarks/support/samples.h"

#include <algorithm>

namespace benchmarks {

double Samples::percentile(double percent) const {
  if (values_.empty()) return 0;
  std::vector<double> sorted = values_;
  const auto place = static_cast<std::ptrdiff_t>(percent / 100 * static_cast<double>(sorted.size() - 1) + 0.5);
  std::nth_element(sorted.begin(), sorted.begin() + place, sorted.end());
  return sorted[static_cast<std::size_t>(place)];
}

}  // namespace benchmarks
