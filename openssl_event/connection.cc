// What the machine does next, and on which stack.
#include "openssl_event/connection.h"

#include <openssl/err.h>

#include "openssl_event/error_queue.h"

using namespace openssl_event;

namespace openssl_event {
namespace {

// Not inlined: the address of a thread's variable must not be kept across a park.
[[gnu::noinline]] Connection*& current_slot() noexcept {
  thread_local Connection* current = nullptr;
  return current;
}

}  // namespace

Connection* current_connection() noexcept { return current_slot(); }

CurrentConnection::CurrentConnection(Connection* connection) noexcept : previous_(current_slot()) {
  current_slot() = connection;
}
CurrentConnection::~CurrentConnection() { current_slot() = previous_; }

}  // namespace openssl_event

openssl_connection_st::Event* openssl_connection_st::get() noexcept {
  turn_due_ = false;
  if (budget_ && spent_ == budget_) {
    spent_ = 0;
    turn_due_ = true;
    return nullptr;
  }
  clear_errors();
  while (ready_.empty() && advance()) {
  }
  if (ready_.empty()) {
    spent_ = 0;
    return nullptr;
  }
  ++spent_;
  return hand_out();
}

openssl_connection_st::Event* openssl_connection_st::hand_out() noexcept {
  Event* e = ready_.pop_front();
  e->holder = Holder::application;
  if (made_by_application(e->pub.kind))
    e->owner = nullptr;
  else
    lent_.push_back(e);
  trace(OPENSSL_TRACE_GET, e);
  return e;
}

void openssl_connection_st::trace(int direction, const Event* e) noexcept {
  if (trace_) trace_(trace_argument_, this, direction, &e->pub);
}

// One step. False: nothing can be done now.
bool openssl_connection_st::advance() noexcept {
  if (fiber_) return call_replied_ && resume();
  if (failed_) return return_unused();
  if (closed_in_) input_.return_all();
  if (!ready_.empty()) return true;
  const Step step = choose();
  return step != Step::none && start(step);
}

bool openssl_connection_st::readable() const noexcept {
  return !input_.empty() || read_due_ || (input_.ended() && !closed_in_) || SSL_pending(ssl_) > 0;
}

bool openssl_connection_st::can_read() const noexcept {
  return !closed_in_ && cleartexts_out_ < cleartext_window_ && readable();
}

Step openssl_connection_st::choose_output() const noexcept {
  if (closed_out_ || renegotiating_ || write_waits_) return Step::none;
  if (const Event* first = cleartext_in_.front()) {
    switch (first->pub.kind) {
      case kUpdateKeyMarker:
      case kUpdateBothKeysMarker: return Step::update_key;
      case kRenegotiateMarker: return Step::renegotiate;
      default: return records_out_ < records_window_ ? Step::write : Step::none;
    }
  }
  return close_requested_ ? Step::close : Step::none;
}

Step openssl_connection_st::choose() const noexcept {
  if (!established_) {
    const bool begins = !started_ && !SSL_is_server(ssl_);
    return begins || retry_due_ || !input_.empty() || input_.ended() ? Step::handshake : Step::none;
  }
  const Step output = choose_output();
  if (can_read() && (output == Step::none || wrote_last_)) return Step::read;
  if (output != Step::none) return output;
  return Step::none;
}

// Every step has a stack of its own while it runs: a read may meet a post-handshake authentication or a renegotiation,
// a write may have to finish one, so each of them may have to wait for a call.
bool openssl_connection_st::start(Step step) noexcept {
  fiber_ = Fiber::take();
  if (!fiber_) {
    fail(Fiber::count() ? OPENSSL_REASON_STACK_LIMIT : OPENSSL_REASON_NO_MEMORY);
    return true;
  }
  step_ = step;
  started_ = true;
  retry_due_ = false;
  parked_in_step_ = false;
  wrote_last_ = step != Step::read;
  input_.begin_step();
  CurrentConnection current(this);
  settle(fiber_->run(run_step, this));
  return true;
}

bool openssl_connection_st::resume() noexcept {
  call_replied_ = false;
  CurrentConnection current(this);
  settle(fiber_->resume());
  return true;
}

void openssl_connection_st::settle(Fiber::Outcome outcome) noexcept {
  if (outcome == Fiber::Outcome::parked) {
    parked_in_step_ = true;
    return;
  }
  // What moved application data only has had no secrets on its stack.
  const bool data_only = result_.value > 0 && !parked_in_step_ && (step_ == Step::read || step_ == Step::write);
  fiber_->give_back(!data_only);
  fiber_ = nullptr;
  if (!poisoned_) finish_step();
  step_ = Step::none;
}

void openssl_connection_st::finish_step() noexcept {
  if (input_.record_finished()) write_waits_ = false;
  switch (step_) {
    case Step::none: return;
    case Step::handshake: return after_handshake();
    case Step::read: return after_read();
    case Step::write: return after_write();
    case Step::update_key: return after_marker(OPENSSL_STATUS_KEY_UPDATED);
    case Step::renegotiate: return after_marker(0);
    case Step::close: return after_close();
  }
}
