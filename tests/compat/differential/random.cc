#define OPENSSL_SUPPRESS_DEPRECATED
#include "tests/compat/differential/random.h"

#include <openssl/rand.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

namespace openssl_event::testing {
namespace {

std::atomic<std::uint64_t> epoch{0};
std::atomic<bool> is_stuck{false};

// How often so many bytes have been drawn since the last epoch: in this thread, or, where key shares are made by
// another thread than plain libssl's, in any. In one handshake at a time that is the same order.
class Counts {
 public:
  std::uint64_t next(int len) {
    if (epoch_ != epoch) {
      epoch_ = epoch;
      counts_.clear();
    }
    return counts_[len]++;
  }

 private:
  std::uint64_t epoch_ = 0;
  std::map<int, std::uint64_t> counts_;
};

std::uint64_t next_of_any_thread(int len) {
  static std::mutex mutex;
  static Counts counts;
  const std::lock_guard hold(mutex);
  return counts.next(len);
}

std::uint64_t next_of_this_thread(int len) {
  thread_local Counts counts;
  return counts.next(len);
}

// splitmix64
int draw(unsigned char* to, int len) {
  if (is_stuck) {
    std::fill(to, to + len, static_cast<unsigned char>(0xff));
    return 1;
  }
  static const char* const offload = std::getenv("OPENSSL_EVENT_OFFLOAD");
  static const bool is_shared = offload && std::strcmp(offload, "all") == 0;
  const std::uint64_t count = is_shared ? next_of_any_thread(len) : next_of_this_thread(len);
  std::uint64_t state = (epoch * 1000 + static_cast<std::uint64_t>(len)) * 1000 + count;
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
