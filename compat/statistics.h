// What the layer has done, for OPENSSL_EVENT_STATS.
#ifndef COMPAT_STATISTICS_H
#define COMPAT_STATISTICS_H

#include <atomic>
#include <cstdint>
#include <cstdio>

namespace openssl_event::compat {

// Any thread; relaxed, since nobody decides anything by them.
struct Statistics {
  std::atomic<std::uint64_t> calls{0};      // operations
  std::atomic<std::uint64_t> offloaded{0};  // of them, executed by a worker
  std::atomic<std::uint64_t> in_place{0};   // of them, executed in the program's thread
  std::atomic<std::uint64_t> waits{0};      // of them, waited for by a thread of the program
  std::atomic<std::uint64_t> cancelled{0};  // of them, not needed any more: their SSL was freed or reset
  std::atomic<std::uint64_t> answers{0};    // WANT_WRITE or WANT_ASYNC given while one was out
  std::atomic<std::uint64_t> pauses{0};     // retries that came too soon, and so waited a little themselves
  std::atomic<std::uint64_t> sealed{0};     // records of application data, without libssl
  std::atomic<std::uint64_t> opened{0};
};

Statistics& statistics() noexcept;
// In a forked child, which counts its own.
void reset_statistics() noexcept;

// As text, with the pool's.
void write_statistics(std::FILE* out) noexcept;

}  // namespace openssl_event::compat

#endif
