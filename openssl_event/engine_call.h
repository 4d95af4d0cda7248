// Making an ENGINE_CALL of an operation, and taking its result.
#ifndef OPENSSL_EVENT_ENGINE_CALL_H
#define OPENSSL_EVENT_ENGINE_CALL_H

#include "openssl_event/event.h"
#include "openssl_event/operation.h"

namespace openssl_event {

// A call of `engine`, or, if that is nullptr, the default one; it holds a reference to the operation. nullptr without memory.
Event* make_call(Operation& operation, const OPENSSL_ENGINE* engine) noexcept;

// Frees a call that has come back, and lets the operation collect its result. False: it failed; the error is in the queue.
bool finish_call(Event* call, Operation& operation) noexcept;

// Without an event, in the calling thread.
bool perform_in_place(Operation& operation) noexcept;

}  // namespace openssl_event

#endif
