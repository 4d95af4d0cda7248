// The libssl call of each step, and what its result means.
#include <openssl/err.h>

#include <algorithm>

#include "openssl_event/connection.h"
#include "openssl_event/error_queue.h"
#include "openssl_event/lookup_callbacks.h"

using namespace openssl_event;

// On the fiber, if the step has one.
void openssl_connection_st::run_step(void* connection) noexcept {
  auto* self = static_cast<openssl_connection_st*>(connection);
  self->result_ = {};
  switch (self->step_) {
    case Step::none: return;
    case Step::handshake: return self->run_handshake();
    case Step::read: return self->run_read();
    case Step::write: return self->run_write();
    case Step::update_key: return self->run_update_key();
    case Step::renegotiate: return self->run_renegotiate();
    case Step::close: return self->run_close();
    case Step::answer: return self->run_answer();
    case Step::open:
    case Step::seal: return;
  }
}

void openssl_connection_st::note(int value) noexcept {
  result_.value = value;
  if (value <= 0) result_.ssl_error = running() ? SSL_get_error(ssl_, value) : error_of_data();
  if (value > 0 && (step_ == Step::read || step_ == Step::write)) stack_is_clean();
}

// SSL_get_error of a step without a stack, which has begun with whatever the thread's error queue held. When libssl has
// failed it is in a handshake again, as it is in the middle of a KeyUpdate.
int openssl_connection_st::error_of_data() noexcept {
  if (result_.retried) return SSL_ERROR_WANT_READ;
  const bool reads = step_ == Step::read, in_handshake = SSL_in_init(ssl_);
  if (reads && (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) && (close_notify_came_ || !in_handshake))
    return SSL_ERROR_ZERO_RETURN;
  if (reads && !in_handshake && SSL_want_read(ssl_)) return SSL_ERROR_WANT_READ;  // as without SSL_MODE_AUTO_RETRY
  return SSL_ERROR_SSL;
}

void openssl_connection_st::run_handshake() noexcept { note(SSL_do_handshake(ssl_)); }

// A record's length bounds its cleartext; libssl keeps what a smaller buffer leaves over.
std::size_t openssl_connection_st::read_size() const noexcept {
  const std::size_t size = left_over_ ? left_over_ : input_.next_length();
  return std::clamp<std::size_t>(size, 1, OPENSSL_MAX_PLAINTEXT);
}

void openssl_connection_st::run_read() noexcept {
  read_due_ = false;
  const std::size_t size = read_size();
  cleartext_out_ = make_event(OPENSSL_CLEARTEXT_OUT_KIND, size);
  if (!cleartext_out_) {
    out_of_memory_ = true;
    return;
  }
  cleartext_out_->pub.c.buf = inline_buffer(cleartext_out_);
  note(SSL_read_ex(ssl_, cleartext_out_->pub.c.buf, size, &result_.bytes));
  left_over_ = result_.bytes == size ? static_cast<std::size_t>(SSL_pending(ssl_)) : 0;
}

void openssl_connection_st::run_write() noexcept {
  const Event* e = cleartext_in_.front();
  const auto left = static_cast<std::size_t>(e->pub.c.len) - cleartext_offset_;
  if (left == 0)
    result_.value = 1;  // an empty block makes no record
  else
    note(SSL_write_ex(ssl_, e->pub.c.buf + cleartext_offset_, left, &result_.bytes));
}

void openssl_connection_st::run_update_key() noexcept {
  const bool both = cleartext_in_.front()->pub.kind == kUpdateBothKeysMarker;
  const int value = SSL_key_update(ssl_, both ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
  note(value > 0 ? SSL_do_handshake(ssl_) : value);
}

// Application data is admitted inside SSL_read only, so that drives the rest (read_due_).
void openssl_connection_st::run_renegotiate() noexcept { note(SSL_renegotiate(ssl_)); }

void openssl_connection_st::run_close() noexcept {
  const int value = SSL_shutdown(ssl_);
  note(value == 0 ? 1 : value);  // 0: our close_notify is out, the peer's is not here yet
}

void openssl_connection_st::run_answer() noexcept {
  if (path_->key_is_spent() && SSL_get_key_update_type(ssl_) == SSL_KEY_UPDATE_NONE)
    SSL_key_update(ssl_, SSL_KEY_UPDATE_NOT_REQUESTED);
  note(SSL_write_ex(ssl_, "", 0, &result_.bytes));  // sends no data, see SSL_write(3)
}

// ---- Off the fiber ----

// True: the step ended for a reason that is not the end of the connection, or has been dealt with as such.
bool openssl_connection_st::after_failure() noexcept {
  if (out_of_memory_ || flooded_) {
    fail(flooded_ ? OPENSSL_REASON_FLOOD : OPENSSL_REASON_NO_MEMORY);
    return true;
  }
  switch (result_.ssl_error) {
    case SSL_ERROR_NONE: return false;
    case SSL_ERROR_WANT_READ: return true;
    case SSL_ERROR_WANT_X509_LOOKUP:
    case SSL_ERROR_WANT_CLIENT_HELLO_CB:
    case SSL_ERROR_WANT_RETRY_VERIFY:
      retry_due_ = retry_held_ = true;
      return true;
    case SSL_ERROR_ZERO_RETURN:
      closed_in_ = true;
      if (SSL_in_init(ssl_))
        fail_by_close_notify();
      else
        emit_status(OPENSSL_STATUS_CLOSE_NOTIFY);
      return true;
    default: fail_from_errors(); return true;
  }
}

void openssl_connection_st::emit(Event* e) noexcept {
  e->owner = this;
  e->pub.r.user = user_;
  ready_.push_back(e);
}

bool openssl_connection_st::emit_status(int status) noexcept {
  Event* e = make_event(OPENSSL_STATUS_OUT_KIND, 0);
  if (!e) {
    fail(OPENSSL_REASON_NO_MEMORY);
    return false;
  }
  e->pub.s.status = status;
  e->pub.s.alert_sent = alert_sent_;
  e->pub.s.alert_received = alert_received_;
  e->pub.s.text = openssl_statusName(status);
  emit(e);
  return true;
}

void openssl_connection_st::after_handshake() noexcept {
  if (after_failure()) return;
  established_ = true;
  hello_tap_.reset();
  if (path_) path_->decide(path_objection());
  // Header and body in one call; the record BIO gives no more than a record.
  if (!path_ || !path_->can_receive()) SSL_set_read_ahead(ssl_, 1);
  release_buffers();
  foresee_waits();
  emit_status(OPENSSL_STATUS_HANDSHAKE_DONE);
}

// What can be an ENGINE_CALL libssl needs in a handshake only. Reading or writing data it gets into one by a renegotiation
// (TLS 1.2), and reading by a post-handshake authentication (1.3): a server asks for that only if it verifies its peer,
// of a client one cannot tell. A KeyUpdate and a ticket need no private key; but the key of a ticket that the application
// asks for (SSL_new_session_ticket) may be looked up. Were it otherwise, the operation would be performed in place, and the
// lookup have its default answer, as outside of steps.
void openssl_connection_st::foresee_waits() noexcept {
  const bool authenticates = !SSL_is_server(ssl_) || (SSL_get_verify_mode(ssl_) & SSL_VERIFY_PEER);
  const ContextLookups* lookups = lookups_of(SSL_get_SSL_CTX(ssl_));
  write_may_wait_ = renegotiation_ || (lookups && (lookups->on & OPENSSL_LOOKUP_TICKET_KEY));
  read_may_wait_ = write_may_wait_ || (SSL_version(ssl_) >= TLS1_3_VERSION && authenticates);
}

void openssl_connection_st::after_read() noexcept {
  Event* e = cleartext_out_;
  cleartext_out_ = nullptr;
  if (result_.value > 0) {
    e->pub.c.len = static_cast<int>(result_.bytes);
    cleanses_ = is_to_cleanse();
    ++cleartexts_out_;
    emit(e);
  } else {
    destroy_event(e);
    if (after_failure() && failed_) return;
  }
  if (!renegotiation_ || SSL_version(ssl_) >= TLS1_3_VERSION) return;
  const bool before = renegotiating_;
  renegotiating_ = SSL_in_init(ssl_) || SSL_renegotiate_pending(ssl_);  // pending: our HelloRequest awaits its ClientHello
  if (before && !renegotiating_) emit_status(OPENSSL_STATUS_HANDSHAKE_DONE);
}

void openssl_connection_st::after_write() noexcept {
  if (after_failure()) {
    write_waits_ = true;
    return;
  }
  cleartext_offset_ += result_.bytes;
  if (cleartext_offset_ == static_cast<std::size_t>(cleartext_in_.front()->pub.c.len)) finish_cleartext();
}

void openssl_connection_st::finish_cleartext() noexcept {
  ready_.push_back(cleartext_in_.pop_front());
  cleartext_offset_ = 0;
}

void openssl_connection_st::after_marker(int status) noexcept {
  if (after_failure()) return;
  destroy_event(cleartext_in_.pop_front());
  if (step_ == Step::renegotiate) read_due_ = renegotiating_ = true;
  if (status) emit_status(status);
}

void openssl_connection_st::after_close() noexcept {
  if (after_failure()) return;
  closed_out_ = true;
  emit_status(OPENSSL_STATUS_OUTPUT_CLOSED);
}

void openssl_connection_st::after_answer() noexcept {
  if (after_failure()) write_waits_ = true;
}
