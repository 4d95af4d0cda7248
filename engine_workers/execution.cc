#include "engine_workers/execution.h"

#include <openssl/err.h>

#include <cstdio>
#include <exception>

namespace openssl_event {
namespace {

// An engine that had ended the call before it threw has ended it: then openssl_failCall would be misuse.
void fail_unless_ended(OPENSSL_EVENT* call, const char* reason) noexcept {
  if (call->kind == OPENSSL_ENGINE_CALL_OUT_KIND) openssl_failCall(call, reason);
}

// For an engine that returned: what it left in the error queue tells more than that it forgot the call.
const char* why_forgotten() noexcept {
  if (ERR_peek_last_error() != 0) return nullptr;
  return "the engine returned without completing, failing or declining the call";
}

}  // namespace

bool execute(OPENSSL_EVENT* call) noexcept {
  ERR_clear_error();
  try {
    call->e.engine->call(call);
    fail_unless_ended(call, why_forgotten());
  } catch (const std::exception& thrown) {
    char reason[256];
    std::snprintf(reason, sizeof reason, "the engine threw: %s", thrown.what());
    fail_unless_ended(call, reason);
  } catch (...) {
    fail_unless_ended(call, "the engine threw something that is no std::exception");
  }
  ERR_clear_error();
  return call->e.err.code == 0;
}

}  // namespace openssl_event
