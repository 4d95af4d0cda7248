// The memory of one stack: a guard page, and above it what grows down. Only pages that were written to are memory.
#ifndef OPENSSL_EVENT_STACK_H
#define OPENSSL_EVENT_STACK_H

#include <cstddef>

namespace openssl_event {

// A stack belongs to one thread at a time. `end`, below: where what stays in use of it begins; all below is what a body left.
class Stack {
 public:
  static constexpr std::size_t kPage = 4096;
  // Address space: a handshake writes to about five pages.
  static constexpr std::size_t kSize = 64 * kPage;

  Stack() = default;
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  // False: no memory.
  bool map() noexcept;
  char* begin() const noexcept { return begin_; }
  char* top() const noexcept { return begin_ + kSize; }

  // Zeroes what was left. Unless `exact`, what lies below a single frame of which 20 KiB or more are zero, never written to or
  // cleansed, may stay until the next time that is: each 64th is.
  void wipe(char* end, bool exact) noexcept;
  // Gives the memory below `end` to the kernel, which zeroes it before anyone gets it. What it does not take is wiped.
  void give_back(char* end) noexcept;

 private:
  void look_for_depth() noexcept;
  char* looked_until() const noexcept;

  char* begin_ = nullptr;   // above the guard page
  char* lowest_ = nullptr;  // the lowest page that is known to have been written to
  unsigned wipes_ = 0;
};

}  // namespace openssl_event

#endif
