// Lets the n-th allocation of OpenSSL fail. For a program of its own: OpenSSL takes
// other functions only before its first allocation.
#ifndef TESTS_SUPPORT_FAILING_MALLOC_H
#define TESTS_SUPPORT_FAILING_MALLOC_H

namespace openssl_event::testing {

// First thing in main().
bool replace_openssl_malloc();

// Counts the allocations while it exists; with a limit, the one of that number fails.
class CountedAllocations {
 public:
  CountedAllocations();
  ~CountedAllocations();
};
void fail_openssl_allocation(long n);
long openssl_allocations();

}  // namespace openssl_event::testing

#endif
