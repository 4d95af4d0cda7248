// An expensive cryptographic operation: what an ENGINE_CALL executes.
#ifndef OPENSSL_EVENT_OPERATION_H
#define OPENSSL_EVENT_OPERATION_H

#include <atomic>
#include <optional>

#include "openssl_event/error_queue.h"
#include "openssl_event/openssl_event.h"

namespace openssl_event {

// Owns copies of, or references to, everything it needs, and the buffer of its result: it may outlive the connection, the
// SSL and the provider context that asked for it. Reference counted: the provider's function and the event hold one each.
// Only the thread that executes the call touches it while the call is out.
class Operation {
 public:
  // OPENSSL_OPERATION_*, and the only engine that can execute it; nullptr: any can.
  explicit Operation(int optype, const OPENSSL_ENGINE* engine = nullptr) noexcept : optype_(optype), engine_(engine) {}
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  int optype() const noexcept { return optype_; }
  const OPENSSL_ENGINE* engine() const noexcept { return engine_; }

  // Points the operands of `call` (u) into this object.
  virtual void expose(OPENSSL_ENGINE_CALL& call) noexcept = 0;
  // Executes with OpenSSL in the calling thread; on failure the reason is the newest entry of its error queue.
  virtual bool run(OPENSSL_ENGINE_CALL& call) noexcept = 0;
  // Takes the result out of a call that has succeeded, whoever executed it. False, with an error raised: it is none.
  virtual bool collect(OPENSSL_ENGINE_CALL& call) noexcept = 0;
  // What run() has left in the error queue although it could execute the operation, for the thread that collects.
  void take_errors() noexcept { errors_.emplace(); }
  void raise_errors() const noexcept {
    if (errors_) errors_->raise();
  }
  // Ends what a result that nobody has collected owns.
  virtual void discard(OPENSSL_ENGINE_CALL&) noexcept {}

  void ref() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void unref() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 protected:
  virtual ~Operation() = default;

 private:
  const int optype_;
  const OPENSSL_ENGINE* const engine_;
  std::optional<SavedErrors> errors_;
  std::atomic<int> references_{1};
};

// Performs the operation for a provider function: as an ENGINE_CALL of the connection whose step runs on this thread's
// stack, which parks until the reply; in place where there is none, and if the connection does not want it as a call.
// True: the operation has collected its result. False: the reason is the newest entry of the error queue.
bool perform(Operation& operation) noexcept;

// Says who performs outside of a connection's steps; in place, unless told otherwise.
void perform_outside_by(bool (*performer)(Operation&) noexcept) noexcept;

}  // namespace openssl_event

#endif
