// Times, and what is taken from many of them.
#ifndef BENCHMARKS_SUPPORT_SAMPLES_H
#define BENCHMARKS_SUPPORT_SAMPLES_H

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <vector>

namespace benchmarks {

inline std::int64_t nanoseconds_of(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// Nanoseconds that this thread has been running: what other programs take of the machine does not count. A system call.
inline std::int64_t now() { return nanoseconds_of(CLOCK_THREAD_CPUTIME_ID); }

// Nanoseconds that have passed: for what one thread waits for from another, and for what is over so soon that it is seldom
// interrupted and that a system call beside it would show.
inline std::int64_t wall_now() { return nanoseconds_of(CLOCK_MONOTONIC); }

// What wall_now() and now() take themselves, which a difference of two has in it.
std::int64_t clock_cost();
std::int64_t thread_clock_cost();

class Samples {
 public:
  void add(double value) { values_.push_back(value); }
  void add(std::int64_t nanoseconds) { values_.push_back(static_cast<double>(nanoseconds)); }
  std::size_t count() const { return values_.size(); }
  double percentile(double percent) const;
  double median() const { return percentile(50); }

 private:
  std::vector<double> values_;
};

// How a library call is made: as it is ...
struct Untimed {
  template <class Function>
  auto operator()(Function&& function) {
    return function();
  }
};

// ... or with a note of how long the longest one took.
struct LongestCall {
  std::int64_t longest = 0;

  template <class Function>
  auto operator()(Function&& function) {
    const std::int64_t begin = now();
    auto result = function();
    const std::int64_t took = now() - begin;
    if (took > longest) longest = took;
    return result;
  }
};

}  // namespace benchmarks

#endif
