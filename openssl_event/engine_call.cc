// How the execution of a call ends, and the engine that executes it with OpenSSL.
#include <openssl/err.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>

#include "openssl_event/engine_call.h"
#include "openssl_event/error_queue.h"
#include "openssl_event/event.h"
#include "openssl_event/thread_address.h"

using namespace openssl_event;

namespace {

// How many forks lie between this process and the one that loaded the library. getpid() would tell a child too, by a
// system call for each engine call.
std::atomic<unsigned> forks{0};
[[maybe_unused]] const int counts_forks = pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });

// A thread keeps its number for life; a forked child's only thread has a new one.
OE_TAKES_THREAD_ADDRESS unsigned long this_thread() noexcept {
  thread_local unsigned long thread = 0;
  thread_local unsigned known_after = 0;
  const unsigned now = forks.load(std::memory_order_relaxed);
  if (thread == 0 || known_after != now) {
    thread = static_cast<unsigned long>(gettid());
    known_after = now;
  }
  return thread;
}

// The event, if it is a call that awaits its execution; else nullptr, reported.
Event* call_to_end(OPENSSL_EVENT* e, const char* function) noexcept {
  Event* event = event_of(e);
  if (!held_by_application(event, function)) return nullptr;
  if (kind_of(event) == OPENSSL_ENGINE_CALL_OUT_KIND) return event;
  misuse(function, "this is no ENGINE_CALL_OUT, or has been executed already");
  return nullptr;
}

bool result_fits(const OPENSSL_ENGINE_CALL& call) noexcept {
  switch (call.optype) {
    case OPENSSL_OPERATION_SIGN: return call.u.s.signature_len <= call.u.s.signature_size;
    case OPENSSL_OPERATION_DECRYPT: return call.u.d.message_len <= call.u.d.message_size;
    case OPENSSL_OPERATION_KEYGEN: return call.u.k.public_key_len <= call.u.k.public_key_size;
    case OPENSSL_OPERATION_DERIVE: return call.u.x.secret_len <= call.u.x.secret_size;
    case OPENSSL_OPERATION_ENCAPSULATE:
      return call.u.n.ciphertext_len <= call.u.n.ciphertext_size && call.u.n.secret_len <= call.u.n.secret_size;
    case OPENSSL_OPERATION_DECAPSULATE: return call.u.p.secret_len <= call.u.p.secret_size;
  }
  return true;
}

int call_with_openssl(OPENSSL_EVENT* e) {
  Event* event = call_to_end(e, "engine->call");
  if (!event) return 0;
  clear_errors();
  if (event->operation->run(e->e)) {
    if (ERR_peek_error() != 0) event->operation->take_errors();
    return openssl_completeCall(e);
  }
  openssl_failCall(e, nullptr);
  return 0;
}

constexpr OPENSSL_ENGINE kDefaultEngine = {sizeof(OPENSSL_ENGINE), "openssl", call_with_openssl, nullptr, nullptr};

bool knows_start(const OPENSSL_ENGINE& engine) noexcept {
  return engine.size >= offsetof(OPENSSL_ENGINE, start) + sizeof engine.start && engine.start;
}

bool call_engine_here(Operation& operation) noexcept {
  if (!operation.engine()->call) {
    ERR_raise_data(ERR_LIB_USER, ERR_R_OPERATION_FAIL, "the engine of this key cannot be waited for");
    return false;
  }
  Event* call = make_call(operation, nullptr);
  if (!call) return false;
  call->holder = Holder::application;
  operation.engine()->call(&call->pub);
  return finish_call(call, operation);
}

}  // namespace

namespace openssl_event {

Event* make_call(Operation& operation, const OPENSSL_ENGINE* engine) noexcept {
  Event* call = make_event(OPENSSL_ENGINE_CALL_OUT_KIND, 0);
  if (!call) return nullptr;
  operation.ref();
  call->operation = &operation;
  call->pub.e.optype = operation.optype();
  call->pub.e.engine = operation.engine() ? operation.engine() : engine ? engine : openssl_defaultEngine();
  operation.expose(call->pub.e);
  return call;
}

bool finish_call(Event* call, Operation& operation) noexcept {
  const bool declined = call->declined;
  const bool succeeded = call->succeeded;
  if (succeeded) operation.raise_errors();
  const bool done = succeeded && operation.collect(call->pub.e);
  if (!succeeded && !declined) {
    if (call->pub.e.err.code)
      raise_error(call->pub.e.err);
    else
      ERR_raise_data(ERR_LIB_USER, ERR_R_OPERATION_FAIL, "the engine call came back unexecuted");
  }
  destroy_event(call);
  return declined ? run_here(operation) : done;
}

bool run_here(Operation& operation) noexcept {
  OPENSSL_ENGINE_CALL call = {};
  operation.expose(call);
  return operation.run(call) && operation.collect(call);
}

bool perform_in_place(Operation& operation) noexcept {
  return operation.engine() ? call_engine_here(operation) : run_here(operation);
}

}  // namespace openssl_event

const OPENSSL_ENGINE* openssl_defaultEngine(void) { return &kDefaultEngine; }

int openssl_startCall(OPENSSL_EVENT* e, openssl_completions_t* completions) {
  if (!call_to_end(e, "openssl_startCall")) return 0;
  if (knows_start(*e->e.engine)) return e->e.engine->start(e, completions);
  if (!e->e.engine->call) return misuse("openssl_startCall", "the engine has neither start nor call");
  e->e.engine->call(e);
  openssl_postCompletion(completions, e);
  return 1;
}

int openssl_completeCall(OPENSSL_EVENT* e) {
  Event* event = call_to_end(e, "openssl_completeCall");
  if (!event) return 0;
  if (!result_fits(e->e)) {
    ERR_raise_data(ERR_LIB_USER, ERR_R_PASSED_INVALID_ARGUMENT, "the result is longer than its buffer");
    return 0;
  }
  event->succeeded = true;
  e->e.thread = this_thread();
  flip_to_reply(event);
  return 1;
}

int openssl_failCall(OPENSSL_EVENT* e, const char* reason) {
  Event* event = call_to_end(e, "openssl_failCall");
  if (!event) return 0;
  if (reason || ERR_peek_last_error() == 0)
    ERR_raise_data(ERR_LIB_USER, ERR_R_OPERATION_FAIL, "%s", reason ? reason : "the engine gave no reason");
  take_newest_error(event, e->e.err);
  clear_errors();
  e->e.thread = this_thread();
  flip_to_reply(event);
  return 1;
}

int openssl_decline(OPENSSL_EVENT* e) {
  Event* event = call_to_end(e, "openssl_decline");
  if (!event) return 0;
  event->declined = true;
  flip_to_reply(event);
  return 1;
}
