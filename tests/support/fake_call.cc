#include "tests/support/fake_call.h"

#include <atomic>
#include <new>
#include <utility>

#include "openssl_event/event.h"
#include "openssl_event/operation.h"

namespace openssl_event::testing {
namespace {

std::atomic<int> existing{0};

class FakeOperation : public Operation {
 public:
  explicit FakeOperation(std::function<bool()> body) : Operation(OPENSSL_OPERATION_SIGN), body_(std::move(body)) { existing++; }

  void expose(OPENSSL_ENGINE_CALL& call) noexcept override {
    call.u.s.signature = &result_;
    call.u.s.signature_size = sizeof result_;
  }
  bool run(OPENSSL_ENGINE_CALL& call) noexcept override {
    if (!body_()) return false;
    call.u.s.signature_len = sizeof result_;
    return true;
  }
  bool collect(OPENSSL_ENGINE_CALL&) noexcept override { return true; }

 private:
  ~FakeOperation() override { existing--; }

  std::function<bool()> body_;
  unsigned char result_ = 0;
};

}  // namespace

OPENSSL_EVENT* make_fake_call(std::function<bool()> body, const OPENSSL_ENGINE* engine, void* user) {
  Event* e = make_event(OPENSSL_ENGINE_CALL_OUT_KIND, 0);
  if (!e) throw std::bad_alloc();
  e->holder = Holder::application;
  e->operation = new FakeOperation(std::move(body));
  e->pub.e.engine = engine;
  e->pub.e.user = user;
  e->pub.e.optype = OPENSSL_OPERATION_SIGN;
  e->operation->expose(e->pub.e);
  return &e->pub;
}

void cancel_fake_call(OPENSSL_EVENT* call) { event_of(call)->cancelled.store(true, std::memory_order_release); }

int fake_calls() { return existing.load(); }

}  // namespace openssl_event::testing
