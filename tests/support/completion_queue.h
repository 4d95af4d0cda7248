// Waiting on a completion queue.
#ifndef TESTS_SUPPORT_COMPLETION_QUEUE_H
#define TESTS_SUPPORT_COMPLETION_QUEUE_H

#include <poll.h>

#include "openssl_event/openssl_event.h"

namespace openssl_event::testing {

constexpr int kLongEnough = 60'000;  // milliseconds, after which a test gives up

inline bool readable(const openssl_completions_t* q, int timeout_ms = 0) {
  pollfd entry = {openssl_completionFd(q), POLLIN, 0};
  return poll(&entry, 1, timeout_ms) == 1;
}

// The next event, waited for; nullptr: none came.
inline OPENSSL_EVENT* collect(openssl_completions_t* q) {
  for (;;) {
    if (OPENSSL_EVENT* e = openssl_collectCompletion(q)) return e;
    if (!readable(q, kLongEnough)) return nullptr;
  }
}

}  // namespace openssl_event::testing

#endif
