// How a connection begins and ends.
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <new>

#include "openssl_event/connection.h"
#include "openssl_event/error_queue.h"
#include "openssl_event/operation_sets.h"

using namespace openssl_event;

namespace {

bool is_stream_tls(const SSL* ssl) noexcept {
#if OPENSSL_VERSION_NUMBER >= 0x30200000L
  if (SSL_is_quic(ssl)) return false;
#endif
  return !SSL_is_dtls(ssl);
}

// libssl does not tell. But before the handshake SSL_shutdown only fails, for a reason of its own if there is no role.
bool has_role(SSL* ssl) noexcept {
  ERR_set_mark();
  SSL_shutdown(ssl);
  const bool has = ERR_GET_REASON(ERR_peek_last_error()) != SSL_R_UNINITIALIZED;
  ERR_pop_to_mark();
  return has;
}

// Where an SSL keeps its connection, for callbacks that get only the SSL.
int ex_data_index() noexcept {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

bool refuse(const char* why) noexcept {
  ERR_raise_data(ERR_LIB_USER, ERR_R_PASSED_INVALID_ARGUMENT, "openssl_new: %s", why);
  return false;
}

bool usable(SSL* ssl) noexcept {
  if (!ssl || !is_stream_tls(ssl)) return refuse("not an SSL of TLS over a stream");
  if (!SSL_in_before(ssl)) return refuse("the SSL's handshake has begun already");
  if (SSL_get_ex_data(ssl, ex_data_index())) return refuse("the SSL has a machine already");
  return has_role(ssl) || refuse("the SSL is neither a client's nor a server's");
}

void info_callback(const SSL* ssl, int where, int value) noexcept {
  if (auto* connection = static_cast<Connection*>(SSL_get_ex_data(ssl, ex_data_index())))
    connection->note_info(ssl, where, value);
}

constexpr int kFatal = 2;  // AlertLevel, RFC 8446 6

void destroy_all(EventList& list) noexcept {
  while (Event* e = list.pop_front()) destroy_event(e);
}

}  // namespace

// SSL_dup() copies what is there, so a machine counts only for its own SSL.
Connection* openssl_connection_st::of(const SSL* ssl) noexcept {
  auto* connection = static_cast<Connection*>(SSL_get_ex_data(ssl, ex_data_index()));
  return connection && connection->ssl_ == ssl ? connection : nullptr;
}

Connection* openssl_connection_st::create(SSL* ssl) noexcept {
  if (!usable(ssl)) return nullptr;
  Connection* connection = new (std::nothrow) Connection;
  if (connection && connection->attach(ssl)) return connection;
  if (connection) connection->destroy();
  ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
  return nullptr;
}

bool openssl_connection_st::attach(SSL* ssl) noexcept {
  error_event_ = make_event(OPENSSL_STATUS_OUT_KIND, 0);
  if (!error_event_ || !SSL_set_ex_data(ssl, ex_data_index(), this)) return false;
  record_bio_ = attach_record_bio(ssl, this);
  if (!record_bio_ || !SSL_up_ref(ssl)) {
    SSL_set_ex_data(ssl, ex_data_index(), nullptr);
    return false;
  }
  ssl_ = ssl;
  operations_ = operations_of(SSL_get_SSL_CTX(ssl));
  if (!SSL_is_server(ssl)) framer_.from_server();
  SSL_set_read_ahead(ssl, 0);
  SSL_clear_mode(ssl, SSL_MODE_ASYNC);
  SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE);
  renegotiation_forbidden_ = SSL_get_options(ssl) & SSL_OP_NO_RENEGOTIATION;
  SSL_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
  previous_info_ = SSL_get_info_callback(ssl);
  SSL_set_info_callback(ssl, info_callback);
  path_ = RecordPath::create(ssl);
  hello_tap_ = HelloTap::create(ssl);
  return true;
}

void openssl_connection_st::note_info(const SSL* ssl, int where, int value) noexcept {
  const bool is_fatal = (value >> 8) == kFatal;
  if (where == SSL_CB_READ_ALERT && (value & 0xff) == SSL_AD_CLOSE_NOTIFY) close_notify_came_ = !is_fatal || is_tls13();
  if ((where & SSL_CB_ALERT) && is_fatal) (where & SSL_CB_WRITE ? alert_sent_ : alert_received_) = value & 0xff;
  auto* previous = previous_info_ ? previous_info_ : SSL_CTX_get_info_callback(SSL_get_SSL_CTX(ssl));
  if (previous) previous(ssl, where, value);
}

void openssl_connection_st::destroy() noexcept {
  busy_ = true;
  poison();
  clear_errors();
  while (Event* e = lent_.take_first()) orphan(e);
  delete path_;
  if (ssl_) detach_ssl();
  if (without_ssl_) without_ssl_->destroy();
  delete this;
}

void openssl_connection_st::detach_ssl() noexcept {
  SSL_set_info_callback(ssl_, previous_info_);
  SSL_set_ex_data(ssl_, ex_data_index(), nullptr);
  SSL_set_bio(ssl_, nullptr, nullptr);
  SSL_free(ssl_);
  ssl_ = nullptr;
}

bool openssl_connection_st::set_window(unsigned records, unsigned cleartext) noexcept {
  if (records == 0 || cleartext == 0) {
    ERR_raise_data(ERR_LIB_USER, ERR_R_PASSED_INVALID_ARGUMENT, "openssl_setWindow: a window of 0 lets nothing through");
    return false;
  }
  records_window_ = records;
  cleartext_window_ = cleartext;
  return true;
}

void openssl_connection_st::set_trace(void (*callback)(void*, openssl_t*, int, const OPENSSL_EVENT*), void* arg) noexcept {
  trace_ = callback;
  trace_argument_ = arg;
}

void openssl_connection_st::allow_renegotiation(bool allow) noexcept {
  if (!ssl_) return;
  renegotiation_ = allow && !renegotiation_forbidden_;
  if (renegotiation_)
    SSL_clear_options(ssl_, SSL_OP_NO_RENEGOTIATION);
  else
    SSL_set_options(ssl_, SSL_OP_NO_RENEGOTIATION);
}

openssl_connection_st::~openssl_connection_st() {
  destroy_all(ready_);
  destroy_all(line_);
  destroy_all(cleartext_in_);
  input_.destroy_all();
  destroy_event(cleartext_out_);
  destroy_event(error_event_);
}
