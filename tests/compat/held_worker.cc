#include "tests/compat/held_worker.h"

#include <stdlib.h>

#include <utility>

#include "compat/manner.h"
#include "compat/pool.h"
#include "openssl_event/engine_call.h"

namespace openssl_event::testing {
namespace {

// Before the layer reads its settings.
[[maybe_unused]] const int kOneWorker = setenv("OPENSSL_EVENT_WORKERS", "1", 1);

}  // namespace

class HeldWorker::Operation final : public openssl_event::Operation {
 public:
  Operation() noexcept : openssl_event::Operation(OPENSSL_OPERATION_SIGN) {}
  void expose(OPENSSL_ENGINE_CALL&) noexcept override {}
  bool collect(OPENSSL_ENGINE_CALL&) noexcept override { return true; }
  bool run(OPENSSL_ENGINE_CALL&) noexcept override {
    std::unique_lock hold(mutex_);
    running_ = true;
    changed_.notify_all();
    changed_.wait(hold, [this] { return released_; });
    return true;
  }
  void wait_until_it_runs() {
    std::unique_lock hold(mutex_);
    changed_.wait(hold, [this] { return running_; });
  }
  void release() {
    const std::lock_guard hold(mutex_);
    released_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool running_ = false;
  bool released_ = false;
};

// By an engine that does not stand in the way of a fork.
HeldWorker::HeldWorker() : operation_(new Operation) {
  compat::note_offloaded_key();
  pending_ = compat::PendingCall::begin(make_call(*operation_, openssl_defaultEngine()), {});
  operation_->wait_until_it_runs();
}

void HeldWorker::release() {
  if (!pending_) return;
  operation_->release();
  pending_->wait();
  finish_call(std::exchange(pending_, nullptr)->take(), *operation_);
  operation_->unref();
}

}  // namespace openssl_event::testing
