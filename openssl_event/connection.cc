// What the machine does next, and on which stack.
#include "openssl_event/connection.h"

using namespace openssl_event;

// True: there is an event to be handed out now.
[[gnu::noinline]] bool openssl_connection_st::make_ready() noexcept {
  turn_due_ = budget_ && spent_ == budget_;
  if (!turn_due_) {
    busy_ = true;
    while (ready_.empty() && !retry_held_ && advance()) {
    }
    busy_ = false;
    if (!ready_.empty()) {
      ++spent_;
      return true;
    }
    retry_held_ = false;
  }
  spent_ = 0;
  return false;
}

void openssl_connection_st::set_budget(unsigned events) noexcept {
  budget_ = events;
  spent_ = 0;
  turn_due_ = false;
}

openssl_connection_st::Event* openssl_connection_st::hand_out() noexcept {
  Event* e = ready_.pop_front();
  e->holder = Holder::application;
  if (!made_by_application(e->pub.kind)) lent_.add(e);
  if (trace_) trace(OPENSSL_TRACE_GET, e);
  return e;
}

void openssl_connection_st::trace(int direction, const Event* e) noexcept {
  trace_(trace_argument_, this, direction, &e->pub);
}

// One step. False: nothing can be done now.
bool openssl_connection_st::advance() noexcept {
  if (running()) return replied() && go_on(resume());
  if (failed_) return return_unused();
  if (closed_in_) input_.return_all();
  if (!ready_.empty()) return true;
  if (release_due_) release_ssl();
  if (path_ && ssl_ && established_) let_libssl_speak();
  const Step step = choose();
  return step != Step::none && start(step);
}

// What the application asked libssl itself for (SSL_new_session_ticket) waits for an SSL_read or SSL_write, which do not
// come by on the record path. If it is a record of the peer's that libssl waits for, one read tells.
void openssl_connection_st::let_libssl_speak() noexcept {
  const bool has_to = SSL_in_init(ssl_);
  if (has_to && !has_spoken_) read_due_ = true;
  has_spoken_ = has_to;
}

bool openssl_connection_st::readable() const noexcept {
  return !input_.empty() || read_due_ || retry_due_ || (input_.ended() && !closed_in_) || left_over_ > 0;
}

bool openssl_connection_st::can_read() const noexcept {
  return !closed_in_ && cleartexts_out_ < cleartext_window_ && readable();
}

Step openssl_connection_st::choose_output() const noexcept {
  const Event* first = cleartext_in_.front();
  if (!first && !close_requested_ && !path_) return Step::none;
  if (closed_out_ || renegotiating_ || write_waits_ || libssl_is_busy()) return Step::none;
  if (answer_due()) return Step::answer;
  if (first) {
    switch (first->pub.kind) {
      case kUpdateKeyMarker:
      case kUpdateBothKeysMarker: return Step::update_key;
      case kRenegotiateMarker: return Step::renegotiate;
      default:
        if (records_out_ >= records_window_) return Step::none;
        return path_ && path_->sends() ? Step::seal : Step::write;
    }
  }
  return close_requested_ ? Step::close : Step::none;
}

Step openssl_connection_st::input_step() const noexcept {
  if (!path_ || for_libssl_ || input_.empty()) return Step::read;
  return path_->receiving() || (path_->can_receive() && input_.at_start()) ? Step::open : Step::read;
}

// On the record path no SSL_write comes by that would send it.
bool openssl_connection_st::answer_due() const noexcept {
  if (without_ssl_) return without_ssl_->answer_due || path_->key_is_spent();
  return path_ && (libssl_is_bypassed() || path_->sends()) &&
         (SSL_get_key_update_type(ssl_) != SSL_KEY_UPDATE_NONE || path_->key_is_spent());
}

Step openssl_connection_st::choose() const noexcept {
  if (!established_) {
    const bool begins = !started_ && !SSL_is_server(ssl_);
    return begins || retry_due_ || !input_.empty() || input_.ended() ? Step::handshake : Step::none;
  }
  const Step output = choose_output();
  if (can_read() && (output == Step::none || wrote_last_)) return input_step();
  if (output != Step::none) return output;
  return Step::none;
}

// A step that may have to wait for a call has a stack of its own while it runs; data that flows does without, and without
// a look at the error queue, which would cost 2 % of a small record.
bool openssl_connection_st::start(Step step) noexcept {
  step_ = step;
  started_ = errors_are_mixed_ = true;
  retry_due_ = false;
  wrote_last_ = step != Step::read && step != Step::open;
  input_.begin_step(step == Step::handshake);
  if (without_ssl_) {
    step_without_ssl();
    return true;
  }
  if (step == Step::open || step == Step::seal) {
    step == Step::open ? open_records() : seal_records();
    return true;
  }
  if (!libssl_may_run()) return true;
  const bool may_wait = step == Step::read ? read_may_wait_ : write_may_wait_ || (step != Step::write && step != Step::close);
  if (!may_wait) {
    run_step(this);
    return go_on(Outcome::finished);
  }
  begin_with_no_errors();
  return go_on(run(run_step, this));
}

bool openssl_connection_st::go_on(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::waiting: return true;
    case Outcome::finished: finish_step(); break;
    case Outcome::no_stack: fail_without_stack(); break;
  }
  step_ = Step::none;
  return true;
}

void openssl_connection_st::finish_step() noexcept {
  if (input_.record_finished()) write_waits_ = for_libssl_ = false;
  release_buffers();
  switch (step_) {
    case Step::none: return;
    case Step::handshake: return after_handshake();
    case Step::read: return after_read();
    case Step::write: return after_write();
    case Step::update_key: return after_marker(OPENSSL_STATUS_KEY_UPDATED);
    case Step::renegotiate: return after_marker(0);
    case Step::close: return after_close();
    case Step::answer: return after_answer();
    case Step::open:
    case Step::seal: return;
  }
}
