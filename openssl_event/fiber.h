// Stacks on which a step of a connection runs, so that a callback or a provider operation deep inside libssl can wait.
// Nothing outside fiber.cc switches stacks.
#ifndef OPENSSL_EVENT_FIBER_H
#define OPENSSL_EVENT_FIBER_H

#include "openssl_event/stack.h"

namespace openssl_event {

// One stack and a loop on it that runs one body after the other. Fibers come from a pool and go back to it; they are never
// destroyed while a body is on them, since that would unwind libssl's C frames.
class Fiber {
 public:
  using Body = void (*)(void* argument);
  enum class Outcome { finished, parked };

  // From the pool; nullptr when as many as allowed exist, or without memory. Any thread.
  static Fiber* take() noexcept;
  // Back to the pool, finished. With `secrets`, what the body left on the stack is wiped (see Stack::wipe).
  void give_back(bool secrets) noexcept;

  // Runs `body` until it returns or parks. `body` must not throw.
  Outcome run(Body body, void* argument) noexcept;
  // Goes on where it parked, on this thread, whichever that was before.
  Outcome resume() noexcept;
  // Called by the body, on this fiber: goes back to whoever called run or resume. Returns in the thread that resumes.
  void park() noexcept;

  static void set_limit(unsigned limit) noexcept;
  static unsigned count() noexcept;

 private:
  friend class FiberPool;
  struct Switch;
  Fiber() = default;
  ~Fiber() = default;  // only of fibers whose creation failed: the others live in the pool
  static Fiber* create() noexcept;
  [[noreturn]] void loop() noexcept;
  Outcome enter() noexcept;
  void wipe(bool exactly) noexcept;
  char* unused_end() const noexcept;

  Stack stack_;
  Switch* switch_ = nullptr;  // the saved contexts, and what the sanitizers want to know
  Body body_ = nullptr;
  void* argument_ = nullptr;
  bool finished_ = true;
  bool parked_ = false;       // at least once in this run
  Fiber* next_ = nullptr;     // in the pool
};

}  // namespace openssl_event

#endif
