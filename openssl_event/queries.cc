// What the machine waits for, what has ended, what was agreed on: derived from the queues and the SSL.
#include <openssl/err.h>

#include "openssl_event/connection.h"

using namespace openssl_event;

unsigned openssl_connection_st::wants() const noexcept {
  if (failed_) return turn_due_ ? OPENSSL_WANTS_TURN : 0;  // the error, and what comes back, may still be due
  unsigned bits = 0;
  if (turn_due_ || retry_due_) bits |= OPENSSL_WANTS_TURN;
  if (!ready_.empty()) return bits;
  if (running()) return waiting() ? bits | OPENSSL_WANTS_REPLY : bits;
  if (choose() != Step::none || (closed_in_ && !input_.empty())) return bits;
  if (!closed_in_ && !input_.ended() && input_.empty()) bits |= OPENSSL_WANTS_RECORD;
  if (!established_) return bits;
  if (!closed_in_ && readable() && cleartexts_out_ >= cleartext_window_) bits |= OPENSSL_WANTS_USED;
  if (!cleartext_in_.empty() && records_out_ >= records_window_) bits |= OPENSSL_WANTS_SENT;
  const bool writes = !close_requested_ && !renegotiating_ && !write_waits_ && !libssl_is_busy();
  if (writes && cleartext_in_.empty() && records_out_ < records_window_) bits |= OPENSSL_WANTS_CLEARTEXT;
  return bits;
}

unsigned openssl_connection_st::closed() const noexcept {
  unsigned bits = 0;
  if (closed_in_) bits |= OPENSSL_CLOSED_IN;
  if (close_requested_) bits |= OPENSSL_CLOSED_OUT;
  if (failed_) bits |= OPENSSL_CLOSED_ERROR;
  return bits;
}

void openssl_connection_st::record_path(OPENSSL_RECORD_PATH& out) const noexcept {
  out = {};
  if (!path_) {
    out.reason = is_prepared(SSL_get_SSL_CTX(ssl_)) ? OPENSSL_PATH_REASON_OFF : OPENSSL_PATH_REASON_UNPREPARED;
    return;
  }
  const bool direct = path_->can_receive();
  if (path_->sending()) out.sends = path_->sends() ? OPENSSL_PATH_DIRECT : OPENSSL_PATH_TRANSLATED;
  if (path_->receiving()) out.receives = direct ? OPENSSL_PATH_DIRECT : OPENSSL_PATH_TRANSLATED;
  out.reason = path_->reason();
  out.sealed = path_->sealed();
  out.opened = path_->opened();
  out.ssl_freed = without_ssl_ != nullptr;
}

bool openssl_connection_st::is_tls13() const noexcept {
  return without_ssl_ ? path_->tls13() : SSL_version(ssl_) == TLS1_3_VERSION;
}

namespace {

const char* or_empty(const char* text) noexcept { return text ? text : ""; }

const char* group_name(SSL* ssl) noexcept {
  const long group = SSL_get_negotiated_group(ssl);
  return group > 0 ? or_empty(SSL_group_to_name(ssl, static_cast<int>(group))) : "";
}

}  // namespace

bool openssl_connection_st::negotiated(OPENSSL_NEGOTIATED& out) const noexcept {
  if (!established_) {
    ERR_raise_data(ERR_LIB_USER, ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED, "openssl_negotiated before the first handshake has finished");
    return false;
  }
  if (without_ssl_) {
    out = without_ssl_->negotiated;
    return true;
  }
  out = {};
  out.protocol = or_empty(SSL_get_version(ssl_));
  out.cipher = or_empty(SSL_get_cipher_name(ssl_));
  out.group = group_name(ssl_);
  out.server_name = or_empty(SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name));
  SSL_get0_alpn_selected(ssl_, &out.alpn, &out.alpn_len);
  out.resumed = SSL_session_reused(ssl_);
  return true;
}
