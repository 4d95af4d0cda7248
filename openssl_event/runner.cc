#include "openssl_event/runner.h"

#include <openssl/err.h>

#include <atomic>
#include <utility>

#include "openssl_event/engine_call.h"
#include "openssl_event/error_queue.h"
#include "openssl_event/thread_address.h"

namespace openssl_event {
namespace {

OE_TAKES_THREAD_ADDRESS Runner*& current_slot() noexcept {
  thread_local Runner* current = nullptr;
  return current;
}

// Makes a runner the current one for a scope on the stack of whoever runs it, which does not park.
class Current {
 public:
  explicit Current(Runner* runner) noexcept : previous_(current_slot()) { current_slot() = runner; }
  ~Current() { current_slot() = previous_; }
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;

 private:
  Runner* previous_;
};

std::atomic<bool (*)(Operation&) noexcept> outside_performer{perform_in_place};

}  // namespace

bool perform(Operation& operation) noexcept {
  Runner* runner = Runner::current();
  return runner ? runner->perform(operation) : outside_performer.load(std::memory_order_relaxed)(operation);
}

void perform_outside_by(bool (*performer)(Operation&) noexcept) noexcept { outside_performer = performer; }

Runner* Runner::current() noexcept { return current_slot(); }

Runner::Outcome Runner::run(Fiber::Body body, void* argument) noexcept {
  fiber_ = Fiber::take();
  if (!fiber_) return Outcome::no_stack;
  has_waited_ = call_failed_ = poisoned_ = false;
  secrets_ = true;
  Current current(this);
  return settle(fiber_->run(body, argument));
}

Runner::Outcome Runner::resume() noexcept {
  Current current(this);
  return settle(fiber_->resume());
}

Runner::Outcome Runner::settle(Fiber::Outcome outcome) noexcept {
  if (outcome == Fiber::Outcome::parked) return Outcome::waiting;
  fiber_->give_back(secrets_ || has_waited_);
  fiber_ = nullptr;
  return Outcome::finished;
}

void Runner::poison() noexcept {
  poisoned_ = true;
  if (fiber_) resume();  // everything that libssl asks for fails now, so the body returns
}

bool Runner::perform(Operation& operation) noexcept {
  if (poisoned_) {
    ERR_raise_data(ERR_LIB_USER, ERR_R_OPERATION_FAIL, "the connection has been freed");
    return false;
  }
  const bool is_call = operation.engine() || (operations_ & OPENSSL_OPERATION_BIT(operation.optype()));
  return is_call ? suspend(operation) : perform_in_place(operation);
}

bool Runner::suspend(Operation& operation) noexcept {
  Event* call = make_call(operation, engine_);
  if (!call || !wait_for(call)) return false;
  const bool declined = call->declined;
  const bool done = finish_call(call, operation);
  call_failed_ = !done && !declined;
  return done;
}

bool Runner::wait_for(Event* event) noexcept {
  has_waited_ = true;
  call_out(event);

  SavedErrors errors;
  fiber_->park();  // until resume() or poison(), maybe in another thread
  errors.restore();
  const bool replied = std::exchange(replied_, false);
  if (poisoned_ && replied) destroy_event(event);
  return !poisoned_;
}

}  // namespace openssl_event
