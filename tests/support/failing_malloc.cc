#include "tests/support/failing_malloc.h"

#include <openssl/crypto.h>

#include <cstdlib>

namespace openssl_event::testing {
namespace {

thread_local bool counting = true;
thread_local long count = 0;
thread_local long failing = 0;

bool fails() noexcept { return counting && ++count == failing; }

void* allocate(std::size_t size, const char*, int) { return fails() ? nullptr : std::malloc(size); }
void* reallocate(void* old, std::size_t size, const char*, int) { return fails() ? nullptr : std::realloc(old, size); }
void release(void* memory, const char*, int) { std::free(memory); }

}  // namespace

bool replace_openssl_malloc() { return CRYPTO_set_mem_functions(allocate, reallocate, release); }

Uncounted::Uncounted() { counting = false; }
Uncounted::~Uncounted() { counting = true; }

void fail_openssl_allocation(long n) {
  count = 0;
  failing = n;
}

long openssl_allocations() { return count; }

}  // namespace openssl_event::testing
