// A flag that a thread which reads and one which writes may change at once, and of which either value is right then.
#ifndef COMPAT_SHARED_FLAG_H
#define COMPAT_SHARED_FLAG_H

#include <atomic>

namespace openssl_event::compat {

class SharedFlag {
 public:
  constexpr SharedFlag(bool on = false) noexcept : on_(on) {}
  SharedFlag(const SharedFlag& other) noexcept : on_(bool{other}) {}
  SharedFlag& operator=(const SharedFlag& other) noexcept {
    on_.store(bool{other}, std::memory_order_relaxed);
    return *this;
  }
  operator bool() const noexcept { return on_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> on_;
};

}  // namespace openssl_event::compat

#endif
