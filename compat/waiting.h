// A private-key operation of a program that blocks: a worker executes it, and the program's thread waits.
#ifndef COMPAT_WAITING_H
#define COMPAT_WAITING_H

#include <openssl/ssl.h>

#include "openssl_event/operation.h"

namespace openssl_event::compat {

// See perform_outside_by() in operation.h.
bool perform_and_wait(Operation& operation) noexcept;

// While it lives, this thread calls libssl for `ssl`; with OPENSSL_EVENT_NONBLOCKING=inline, the operations of a
// non-blocking socket run in place.
class DirectCall {
 public:
  explicit DirectCall(SSL* ssl) noexcept;
  ~DirectCall();
  DirectCall(const DirectCall&) = delete;
  DirectCall& operator=(const DirectCall&) = delete;

 private:
  bool previous_ = false;
};

}  // namespace openssl_event::compat

#endif
