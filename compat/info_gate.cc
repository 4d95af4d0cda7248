#include "compat/info_gate.h"

#include "compat/real.h"
#include "compat/session.h"

namespace openssl_event::compat {
namespace {

void gate(const SSL* ssl, int where, int value) noexcept {
  if (Session* session = Session::find(ssl)) session->pass_info(where, value);
}

}  // namespace

// While a handshake is suspended libssl knows the callback of its beginning already: that one stays.
void InfoGate::stand_in(SSL* ssl) noexcept {
  of_ssl_ = real_SSL_get_info_callback(ssl);
  at_start_ = of_ssl_ ? of_ssl_ : SSL_CTX_get_info_callback(SSL_get_SSL_CTX(ssl));
  if (at_start_) SSL_set_info_callback(ssl, gate);
}

// Unless a callback has set another one.
void InfoGate::step_aside(SSL* ssl) noexcept {
  if (real_SSL_get_info_callback(ssl) == gate) SSL_set_info_callback(ssl, of_ssl_);
}

InfoGate::Callback InfoGate::callback(const SSL* ssl) const noexcept {
  const Callback now = real_SSL_get_info_callback(ssl);
  return now == gate ? of_ssl_ : now;
}

// As libssl does it: an alert goes to the callback of now, and the context may have changed with the server name.
void InfoGate::pass(const SSL* ssl, int where, int value) const noexcept {
  Callback to = at_start_;
  if (where & SSL_CB_ALERT) to = of_ssl_ ? of_ssl_ : SSL_CTX_get_info_callback(SSL_get_SSL_CTX(ssl));
  if (to && !closed_) to(ssl, where, value);
}

}  // namespace openssl_event::compat
