#define OPENSSL_SUPPRESS_DEPRECATED
#include "tests/compat/differential/random.h"

#include <openssl/rand.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>

namespace openssl_event::testing {
namespace {

std::atomic<std::uint64_t> epoch{0};
std::atomic<bool> is_stuck{false};

// splitmix64
int draw(unsigned char* to, int len) {
  if (is_stuck) {
    std::fill(to, to + len, static_cast<unsigned char>(0xff));
    return 1;
  }
  thread_local std::uint64_t epoch_of_counts = 0;
  thread_local std::map<int, std::uint64_t> counts;
  if (epoch_of_counts != epoch) {
    epoch_of_counts = epoch;
    counts.clear();
  }
  std::uint64_t state = (epoch * 1000 + static_cast<std::uint64_t>(len)) * 1000 + counts[len]++;
  for (int i = 0; i < len; ++i) {
    std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    to[i] = static_cast<unsigned char>(z ^ (z >> 31));
  }
  return 1;
}

int status() { return 1; }

}  // namespace

void use_repeatable_random() {
  static RAND_METHOD method = {nullptr, draw, nullptr, nullptr, draw, status};
  RAND_set_rand_method(&method);
}

void next_random() { ++epoch; }
void stick_random(bool stuck) { is_stuck = stuck; }

}  // namespace openssl_event::testing
