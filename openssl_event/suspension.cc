// A provider operation inside a step becomes an ENGINE_CALL, and the step waits for its reply.
#include <openssl/err.h>

#include "openssl_event/connection.h"
#include "openssl_event/error_queue.h"
#include "openssl_event/operation.h"

using namespace openssl_event;

namespace openssl_event {
namespace {

bool perform_in_place(Operation& operation) noexcept {
  OPENSSL_ENGINE_CALL call = {};
  operation.expose(call);
  if (!operation.run(call)) return false;
  operation.collect(call);
  return true;
}

}  // namespace

bool perform(Operation& operation) noexcept {
  Connection* connection = current_connection();
  return connection ? connection->suspend(operation) : perform_in_place(operation);
}

}  // namespace openssl_event

bool openssl_connection_st::suspend(Operation& operation) noexcept {
  if (poisoned_) {
    ERR_raise_data(ERR_LIB_USER, ERR_R_OPERATION_FAIL, "the connection has been freed");
    return false;
  }
  Event* call = make_event(OPENSSL_ENGINE_CALL_OUT_KIND, 0);
  if (!call) return false;
  operation.ref();
  call->operation = &operation;
  call->pub.e.engine = engine_ ? engine_ : openssl_defaultEngine();
  operation.expose(call->pub.e);
  call_ = call;
  emit(call);

  SavedErrors errors;
  fiber_->park();  // the reply, or poison, ends it; maybe in another thread
  errors.restore();
  if (poisoned_) return false;

  call_ = nullptr;
  const bool declined = call->declined;
  const bool succeeded = call->succeeded;
  if (succeeded) operation.collect(call->pub.e);
  if (!succeeded && !declined) {
    call_failed_ = true;
    if (call->pub.e.err.code)
      raise_error(call->pub.e.err);
    else
      ERR_raise_data(ERR_LIB_USER, ERR_R_OPERATION_FAIL, "the engine call came back unexecuted");
  }
  destroy_event(call);
  return declined ? perform_in_place(operation) : succeeded;
}
