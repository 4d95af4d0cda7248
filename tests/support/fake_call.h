// ENGINE_CALLs without a connection, for tests of what happens to a call while it is out.
#ifndef TESTS_SUPPORT_FAKE_CALL_H
#define TESTS_SUPPORT_FAKE_CALL_H

#include <functional>

#include "openssl_event/openssl_event.h"

namespace openssl_event::testing {

// An ENGINE_CALL_OUT that the caller holds; openssl_returnEvent ends it. The default engine runs `body` and takes its
// answer for success; another engine does as it likes. `user` is what e->e.user shows.
OPENSSL_EVENT* make_fake_call(std::function<bool()> body, const OPENSSL_ENGINE* engine = openssl_defaultEngine(),
                              void* user = nullptr);
// What openssl_free of its connection does to a call that is out. Any thread.
void cancel_fake_call(OPENSSL_EVENT* call);
// How many fake calls exist in the process.
int fake_calls();

}  // namespace openssl_event::testing

#endif
