// The life of a connection that has freed its SSL: what libssl did for it beside application data.
#include "openssl_event/without_ssl.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <cstring>
#include <new>

#include "openssl_event/connection.h"
#include "openssl_event/error_queue.h"

namespace openssl_event {
namespace {

const char* copy_string(const char* from, char*& to) noexcept {
  const std::size_t size = std::strlen(from) + 1;
  char* const copy = to;
  std::memcpy(copy, from, size);
  to += size;
  return copy;
}

}  // namespace

WithoutSsl* WithoutSsl::create(SSL* ssl, const OPENSSL_NEGOTIATED& negotiated) noexcept {
  std::size_t size = negotiated.alpn_len;
  for (const char* text : {negotiated.protocol, negotiated.cipher, negotiated.group, negotiated.server_name})
    size += std::strlen(text) + 1;
  void* memory = ::operator new(sizeof(WithoutSsl) + size, std::nothrow);
  if (!memory) return nullptr;
  auto* self = new (memory) WithoutSsl{{SSL_version(ssl) == TLS1_3_VERSION, SSL_is_server(ssl) != 0},
                                       negotiated,
                                       (SSL_get_options(ssl) & SSL_OP_IGNORE_UNEXPECTED_EOF) != 0};
  char* to = reinterpret_cast<char*>(self + 1);
  OPENSSL_NEGOTIATED& copy = self->negotiated;
  for (const char** text : {&copy.protocol, &copy.cipher, &copy.group, &copy.server_name})
    *text = copy_string(*text, to);
  if (copy.alpn_len) copy.alpn = static_cast<unsigned char*>(std::memcpy(to, copy.alpn, copy.alpn_len));
  return self;
}

void WithoutSsl::destroy() noexcept {
  this->~WithoutSsl();
  ::operator delete(this);
}

}  // namespace openssl_event

using namespace openssl_event;

namespace {

constexpr int kWarning = 1;  // AlertLevel, RFC 8446 6

}  // namespace

// ---- The SSL goes ----

bool openssl_connection_st::libssl_is_idle() noexcept {
  return established_ && !failed_ && !renegotiating_ && !write_waits_ && !retry_due_ && !for_libssl_ &&
         !SSL_in_init(ssl_) && !SSL_has_pending(ssl_) && SSL_get_key_update_type(ssl_) == SSL_KEY_UPDATE_NONE;
}

// Also the directions that have carried no data yet: nothing will pass libssl that could begin them.
bool openssl_connection_st::take_all_over() noexcept {
  if (!path_ || !path_->can_leave_libssl() || !libssl_is_idle() || (closed_out_ && !path_->sending())) return false;
  return path_->begin_receiving() && take_over_output() && path_->sending() && path_->sends();
}

// Marked as shut down in order, or libssl would throw its session out of the context's cache.
void openssl_connection_st::release_ssl() noexcept {
  OPENSSL_NEGOTIATED outcome;
  if (!take_all_over() || !negotiated(outcome)) return;
  without_ssl_ = WithoutSsl::create(ssl_, outcome);
  if (!without_ssl_) return;
  release_due_ = read_due_ = false;
  cleanses_ = is_to_cleanse();
  path_->leave_libssl();
  SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  detach_ssl();
}

// ---- What comes ----

void openssl_connection_st::obey(const Verdict& verdict, const Opened& opened) noexcept {
  clear_errors();
  switch (verdict.kind) {
    case Verdict::Kind::data:
      return emit_opened(opened);
    case Verdict::Kind::nothing:
      break;
    case Verdict::Kind::renegotiation:
      if (!closed_out_) send_alert(kWarning, SSL_AD_NO_RENEGOTIATION);
      break;
    case Verdict::Kind::close_notify:
      closed_in_ = true;
      emit_status(OPENSSL_STATUS_CLOSE_NOTIFY);
      break;
    case Verdict::Kind::key_update_requested:
      without_ssl_->answer_due = true;
      [[fallthrough]];
    case Verdict::Kind::key_update:
      if (!path_->renew_receiving()) return fail_from_errors();
      break;
    case Verdict::Kind::fatal_alert:
      ERR_raise_data(ERR_LIB_SSL, SSL_AD_REASON_OFFSET + verdict.alert, "SSL alert number %d", verdict.alert);
      return fail_from_errors();
    case Verdict::Kind::failure:
      return fail_with_alert(verdict.alert, verdict.reason);
  }
  input_.finish_first();
}

void openssl_connection_st::end_of_input() noexcept {
  if (!without_ssl_->ignores_eof) return fail_with_alert(SSL_AD_DECODE_ERROR, SSL_R_UNEXPECTED_EOF_WHILE_READING);
  closed_in_ = true;
  emit_status(OPENSSL_STATUS_CLOSE_NOTIFY);
}

// ---- What goes ----

bool openssl_connection_st::send_key_update(bool request_peer) noexcept {
  without_ssl_->answer_due = false;
  const char message[] = {kKeyUpdate, 0, 0, 1, request_peer ? char{1} : char{0}};
  if (!send_control(kHandshake, {message, sizeof message})) return false;
  if (path_->renew_sending()) return true;
  fail_from_errors();
  return false;
}

void openssl_connection_st::update_key_without_ssl() noexcept {
  if (!send_key_update(cleartext_in_.front()->pub.kind == kUpdateBothKeysMarker)) return;
  destroy_event(cleartext_in_.pop_front());
  emit_status(OPENSSL_STATUS_KEY_UPDATED);
}

void openssl_connection_st::close_without_ssl() noexcept {
  if (!send_alert(kWarning, SSL_AD_CLOSE_NOTIFY)) return;
  closed_out_ = true;
  emit_status(OPENSSL_STATUS_OUTPUT_CLOSED);
}

void openssl_connection_st::step_without_ssl() noexcept {
  switch (step_) {
    case Step::open:
      return open_records();
    case Step::seal:
      return seal_records();
    case Step::read:
      return end_of_input();
    case Step::answer:
      send_key_update(false);
      return;
    case Step::update_key:
      return update_key_without_ssl();
    case Step::close:
      return close_without_ssl();
    case Step::none:
    case Step::handshake:
    case Step::write:
    case Step::renegotiate:
      return;
  }
}
