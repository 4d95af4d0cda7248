// The process's pool of workers: started at the first call, again in a forked child, ended at exit.
#ifndef COMPAT_POOL_H
#define COMPAT_POOL_H

#include "engine_workers/engine_workers.h"
#include "openssl_event/event.h"

namespace openssl_event::compat {

class PendingCall;

// Before the first call: prepares for fork and exit. Any thread, any number of times.
void prepare_pool() noexcept;

// Executes calls on the pool, and only there: it stands still while the process forks.
const OPENSSL_ENGINE* worker_engine() noexcept;

// Hands the call to a worker; `pending` hears of its end, on the worker, as the last thing the pool does with it. False:
// it stays the caller's, to be executed in place (full, exiting, no threads to be had).
bool submit(Event* call, PendingCall* pending) noexcept;

// The pool has ended, and OpenSSL's clean-up follows.
bool process_is_exiting() noexcept;

// Tells the process from its forked children, in which the parent's workers do not exist.
unsigned process_generation() noexcept;

// Of this process's pool, or, when that has ended, its last ones. False if there has been none.
bool pool_statistics(OPENSSL_WORKERS_STATISTICS& out) noexcept;

}  // namespace openssl_event::compat

#endif
