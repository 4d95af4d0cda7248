#include "compat/waiting.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "compat/manner.h"
#include "compat/pending_call.h"
#include "compat/pool.h"
#include "compat/settings.h"
#include "compat/statistics.h"
#include "compat/trace.h"
#include "openssl_event/engine_call.h"

namespace openssl_event::compat {
namespace {

thread_local bool in_place = false;

bool is_nonblocking(SSL* ssl) noexcept {
  const int fd = writing_fd(ssl);
  const int flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1;
  return flags >= 0 && (flags & O_NONBLOCK);
}

// A thread that waits gains nothing, but the private key may be busy, or far away.
bool needs_private_key(const Operation& operation) noexcept {
  return operation.optype() == OPENSSL_OPERATION_SIGN || operation.optype() == OPENSSL_OPERATION_DECRYPT;
}

}  // namespace

DirectCall::DirectCall(SSL* ssl) noexcept {
  if (settings().nonblocking != Nonblocking::inline_) return;
  const int saved_errno = errno;
  previous_ = std::exchange(in_place, is_nonblocking(ssl));
  errno = saved_errno;
}

DirectCall::~DirectCall() {
  if (settings().nonblocking == Nonblocking::inline_) in_place = previous_;
}

bool perform_and_wait(Operation& operation) noexcept {
  if (!needs_private_key(operation)) return perform_in_place(operation);
  Event* call = in_place ? nullptr : make_call(operation, worker_engine());
  if (call) trace_call("waiting", call);
  PendingCall* pending = call ? PendingCall::begin(call, Wake{}) : nullptr;
  if (!pending) {
    statistics().calls++;
    statistics().in_place++;
    destroy_event(call);
    return perform_in_place(operation);
  }
  const bool was_exiting = process_is_exiting();
  pending->wait();
  // Another thread has called exit, and libcrypto is being cleaned up: this one must not go on in it.
  while (!was_exiting && process_is_exiting()) pause();
  return finish_call(pending->take(), operation);
}

}  // namespace openssl_event::compat
