// What a thread that reads and one that writes may note at once, and of which either value is right then.
#ifndef COMPAT_SHARED_H
#define COMPAT_SHARED_H

#include <atomic>

namespace openssl_event::compat {

template <typename T>
class Shared {
 public:
  constexpr Shared(T value = {}) noexcept : value_(value) {}
  Shared(const Shared& other) noexcept : value_(T{other}) {}
  Shared& operator=(const Shared& other) noexcept {
    value_.store(T{other}, std::memory_order_relaxed);
    return *this;
  }
  operator T() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<T> value_;
};

}  // namespace openssl_event::compat

#endif
