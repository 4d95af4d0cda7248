// Keeps the pool's worker, which is the only one in tests that link this, busy, so that calls stay out as long as the test wants.
#ifndef TESTS_COMPAT_HELD_WORKER_H
#define TESTS_COMPAT_HELD_WORKER_H

#include <condition_variable>
#include <mutex>

#include "compat/pending_call.h"
#include "openssl_event/operation.h"

namespace openssl_event::testing {

class HeldWorker {
 public:
  HeldWorker();
  ~HeldWorker() { release(); }
  HeldWorker(const HeldWorker&) = delete;
  HeldWorker& operator=(const HeldWorker&) = delete;

  // Lets it go, and waits until it has gone.
  void release();

 private:
  class Operation;
  Operation* operation_;
  compat::PendingCall* pending_;
};

}  // namespace openssl_event::testing

#endif
