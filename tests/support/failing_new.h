// Lets the n-th allocation that the library makes by itself fail: operator new with std::nothrow, of this thread.
#ifndef TESTS_SUPPORT_FAILING_NEW_H
#define TESTS_SUPPORT_FAILING_NEW_H

namespace openssl_event::testing {

// From now on the n-th such allocation fails, once; 1 is the next. 0: none does.
void fail_allocation(long n);
// The same with plain new counted too, which throws then: for what is written with containers.
void fail_any_allocation(long n);
// True if it has come and failed.
bool allocation_failed();

// Allocations of this thread are not counted, and do not fail.
struct Unfailing {
  Unfailing();
  ~Unfailing();
};

}  // namespace openssl_event::testing

#endif
