#include "tests/support/failing_new.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

constexpr int kNever = -1;
std::atomic<int> left{kNever};

bool fails_now() {
  int n = left;
  while (n >= 0)
    if (left.compare_exchange_weak(n, n - 1)) return n == 0;
  return false;
}

}  // namespace

void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return fails_now() ? nullptr : std::malloc(size); }
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept { return operator new(size, tag); }
void* operator new(std::size_t size) {
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace openssl_event::testing {

void fail_allocation_after(int n) { left = n; }
bool has_failed_allocation() { return left.exchange(kNever) == kNever; }

}  // namespace openssl_event::testing
