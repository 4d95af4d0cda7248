// Making an ENGINE_CALL of an operation, and taking its result.
#ifndef OPENSSL_EVENT_ENGINE_CALL_H
#define OPENSSL_EVENT_ENGINE_CALL_H

#include "openssl_event/event.h"
#include "openssl_event/operation.h"

namespace openssl_event {

// A call of the operation's engine, or else `engine`, or else the default one; it holds a reference to the operation.
// nullptr without memory.
Event* make_call(Operation& operation, const OPENSSL_ENGINE* engine) noexcept;

// Frees a call that has come back, and lets the operation collect its result. False: it failed; the error is in the queue.
bool finish_call(Event* call, Operation& operation) noexcept;

// In the calling thread: by the engine that alone can execute it, or else without an event.
bool perform_in_place(Operation& operation) noexcept;
// With OpenSSL, without an event.
bool run_here(Operation& operation) noexcept;

}  // namespace openssl_event

#endif
