#include "tests/support/failing_new.h"

#include <cstdlib>
#include <new>

namespace openssl_event::testing {
namespace {

thread_local long left = 0;
thread_local bool failed = false;
thread_local bool is_any = false;
thread_local bool is_spared = false;

bool fails() noexcept {
  if (is_spared || left == 0 || --left > 0) return false;
  failed = true;
  return true;
}

void* allocate(std::size_t size) noexcept { return fails() ? nullptr : std::malloc(size ? size : 1); }

}  // namespace

void fail_allocation(long n) {
  left = n;
  failed = false;
  is_any = false;
}

void fail_any_allocation(long n) {
  fail_allocation(n);
  is_any = true;
}

bool allocation_failed() { return failed; }

Unfailing::Unfailing() { is_spared = true; }
Unfailing::~Unfailing() { is_spared = false; }

}  // namespace openssl_event::testing

// Plain new, of the tests themselves, is replaced too, so that all of them are of one kind; it fails only if any may.
void* operator new(std::size_t size) {
  using namespace openssl_event::testing;
  if (is_any && fails()) throw std::bad_alloc();
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
