// Lets the n-th allocation of OpenSSL fail. For a program of its own: OpenSSL takes
// other functions only before its first allocation.
#ifndef TESTS_SUPPORT_FAILING_MALLOC_H
#define TESTS_SUPPORT_FAILING_MALLOC_H

namespace openssl_event::testing {

// First thing in main().
bool replace_openssl_malloc();

// From now on the n-th allocation of this thread fails, once; 0: none does. Counts from 1.
void fail_openssl_allocation(long n);
// Those so far. Allocations made while one of these exists are neither counted nor failing.
long openssl_allocations();
class Uncounted {
 public:
  Uncounted();
  ~Uncounted();
};

}  // namespace openssl_event::testing

#endif
