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

  // Zeroes what was left. Only what lies below a single frame of which more than 12 KiB were left untouched may stay, and that
  // for the next 63 times at most. `swapped`: pages may have been swapped out since.
  void wipe(char* end, bool swapped) noexcept;
  // The same, and gives the memory back to the kernel, if that takes it.
  void give_back(char* end) noexcept;

 private:
  void look_for_depth() noexcept;
  void ask_for_depth() noexcept;
  char* looked_until() const noexcept;
  void clear(char* end) noexcept;

  char* begin_ = nullptr;   // above the guard page
  char* lowest_ = nullptr;  // the lowest page that is known to have been written to
  unsigned wipes_ = 0;
};

}  // namespace openssl_event

#endif
