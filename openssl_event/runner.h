// Runs a libssl call on a stack of its own, so that an operation deep inside it can wait for the reply to an ENGINE_CALL.
#ifndef OPENSSL_EVENT_RUNNER_H
#define OPENSSL_EVENT_RUNNER_H

#include "openssl_event/event.h"
#include "openssl_event/fiber.h"
#include "openssl_event/openssl_event.h"
#include "openssl_event/operation.h"

namespace openssl_event {

// One body at a time. Used by one thread at a time, which may be another one for each call, also while the body waits.
class Runner {
 public:
  enum class Outcome { finished, waiting, no_stack };

  // Runs `body` until it returns or waits for a call, which call_out() has then been given. `body` must not throw.
  Outcome run(Fiber::Body body, void* argument) noexcept;
  // Goes on with the body whose call has come back (call_returned()).
  Outcome resume() noexcept;
  // The call is back, executed or not. Whoever holds the event no longer does.
  void call_returned() noexcept { replied_ = true; }
  // Ends a wait by failure: what the body still asks for fails, and when this returns the body has returned. The event of
  // a call that has not come back is nobody's then: the caller frees it or leaves it to its holder.
  void poison() noexcept;
  // After poison(): bodies may be run again.
  void revive() noexcept { poisoned_ = has_waited_ = false; }

  bool running() const noexcept { return fiber_ != nullptr; }
  bool waiting() const noexcept { return fiber_ != nullptr && !replied_; }
  bool replied() const noexcept { return replied_; }
  bool poisoned() const noexcept { return poisoned_; }
  // Since the last run: the body has waited; an engine call has failed.
  bool has_waited() const noexcept { return has_waited_; }
  bool call_failed() const noexcept { return call_failed_; }

  // Says, when the body has moved application data only, that it left no secrets on its stack.
  void stack_is_clean() noexcept { secrets_ = false; }

  // On the fiber: see perform() in operation.h.
  bool perform(Operation& operation) noexcept;
  // On the fiber: hands out an event and waits. True: it is back, and the body's. False: poison() came first.
  bool wait_for(Event* event) noexcept;

  // The runner whose body runs on this thread's stack; nullptr outside of bodies.
  static Runner* current() noexcept;

 protected:
  Runner() = default;
  ~Runner() = default;
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Takes a new ENGINE_CALL_OUT or LOOKUP_OUT. It belongs to the machine; the body frees it when it goes on.
  virtual void call_out(Event* call) noexcept = 0;

  const OPENSSL_ENGINE* engine_ = nullptr;            // named by calls; nullptr: the default one
  unsigned operations_ = OPENSSL_OPERATIONS_ALL;      // that become calls

 private:
  bool suspend(Operation& operation) noexcept;
  Outcome settle(Fiber::Outcome outcome) noexcept;

  Fiber* fiber_ = nullptr;
  bool replied_ = false;
  bool poisoned_ = false;
  bool has_waited_ = false;
  bool call_failed_ = false;
  bool secrets_ = true;
};

}  // namespace openssl_event

#endif
