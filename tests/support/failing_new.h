// Makes the n-th allocation of the library fail. A program that links this has its operator new.
#ifndef TESTS_SUPPORT_FAILING_NEW_H
#define TESTS_SUPPORT_FAILING_NEW_H

namespace openssl_event::testing {

// From now on, in all threads: n more calls of new (std::nothrow), by which the library allocates, succeed and the next
// one fails; the rest succeed. The throwing ones, of tests and of GoogleTest, are not counted and do not fail.
void fail_allocation_after(int n);

// Ends that. Whether there was an allocation to fail.
bool has_failed_allocation();

}  // namespace openssl_event::testing

#endif
