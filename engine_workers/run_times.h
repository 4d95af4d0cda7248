// How long calls take that are of a kind: the same operation, by OpenSSL, with a key of the same type, curve and size.
#ifndef ENGINE_WORKERS_RUN_TIMES_H
#define ENGINE_WORKERS_RUN_TIMES_H

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "openssl_event/openssl_event.h"

namespace openssl_event {

// 0: what can take any time, as an engine that is not OpenSSL's, a key in a device, or one of the peer's choice.
using CallKind = std::uint32_t;
CallKind kind_of_call(const OPENSSL_ENGINE_CALL& call) noexcept;

// Workers tell what calls took, whoever submits asks. All members by any thread, at the same time; of two that learn at once,
// one may be forgotten.
class RunTimes {
 public:
  void learn(CallKind kind, std::chrono::nanoseconds run) noexcept;

  // Enough calls of the kind are known, and they take less than `limit`. Now and then false all the same, so that a worker
  // executes the call, and what is known stays true.
  bool are_below(CallKind kind, std::chrono::nanoseconds limit) noexcept;

 private:
  struct Known {
    std::atomic<std::uint64_t> what{0};    // see run_times.cc
    std::atomic<std::uint32_t> asked{0};
  };
  static constexpr std::size_t kPlaces = 64;
  // Kinds that meet in one place forget each other, and so go to workers.
  Known& place_of(CallKind kind) noexcept { return places_[kind % kPlaces]; }

  std::array<Known, kPlaces> places_;
};

}  // namespace openssl_event

#endif
