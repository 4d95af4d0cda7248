// One call, executed by its engine on this thread.
#ifndef ENGINE_WORKERS_EXECUTION_H
#define ENGINE_WORKERS_EXECUTION_H

#include "openssl_event/openssl_event.h"

namespace openssl_event {

// Whatever the engine does, the call is an ENGINE_CALL_IN afterwards, and this thread's error queue empty. True: it has
// no error (an engine that declined has none).
bool execute(OPENSSL_EVENT* call) noexcept;

}  // namespace openssl_event

#endif
