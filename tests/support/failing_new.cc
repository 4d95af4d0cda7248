#include "tests/support/failing_new.h"

#include <cstdlib>
#include <new>

namespace openssl_event::testing {
namespace {

thread_local long left = 0;
thread_local bool failed = false;

void* allocate(std::size_t size) noexcept {
  if (left > 0 && --left == 0) {
    failed = true;
    return nullptr;
  }
  return std::malloc(size ? size : 1);
}

}  // namespace

void fail_allocation(long n) {
  left = n;
  failed = false;
}

bool allocation_failed() { return failed; }

}  // namespace openssl_event::testing

// Plain new, of the tests themselves, is replaced too, so that all of them are of one kind; it never fails here.
void* operator new(std::size_t size) {
  if (void* memory = std::malloc(size ? size : 1)) return memory;
  std::abort();
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return openssl_event::testing::allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return openssl_event::testing::allocate(size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
