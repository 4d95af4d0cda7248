// The functions that make, reset and end an SSL.
#include <openssl/ssl.h>

#include "compat/modes.h"
#include "compat/real.h"
#include "compat/session.h"

using namespace openssl_event::compat;

namespace {

void abandon_handshake(SSL* ssl) noexcept {
  Session* session = Session::find(ssl);
  if (session && !openssl_event::Runner::current()) session->abandon();
}

}  // namespace

SSL* SSL_new(SSL_CTX* ctx) {
  SSL* ssl = real_SSL_new(ctx);
  if (ssl && is_async(ctx))
    if (Session* session = Session::find_or_make(ssl)) session->set_async(true);
  return ssl;
}

// The last reference ends the SSL, and with it, by its ex_data, the session; a suspended handshake must end before libssl
// takes the SSL apart.
void SSL_free(SSL* ssl) {
  Session* session = Session::find(ssl);
  if (session && !session->drop_reference()) session->abandon();
  real_SSL_free(ssl);
}

int SSL_up_ref(SSL* ssl) {
  const int value = real_SSL_up_ref(ssl);
  if (Session* session = Session::find(ssl); session && value) session->add_reference();
  return value;
}

// During a handshake SSL_dup is SSL_up_ref.
SSL* SSL_dup(SSL* ssl) {
  Session* session = Session::find(ssl);
  SSL* copy = real_SSL_dup(ssl);
  if (!session || !copy) return copy;
  if (copy == ssl)
    session->add_reference();
  else if (session->async())
    if (Session* other = Session::find_or_make(copy)) other->set_async(true);
  return copy;
}

int SSL_clear(SSL* ssl) {
  abandon_handshake(ssl);
  return real_SSL_clear(ssl);
}

void SSL_set_connect_state(SSL* ssl) {
  abandon_handshake(ssl);
  real_SSL_set_connect_state(ssl);
}

void SSL_set_accept_state(SSL* ssl) {
  abandon_handshake(ssl);
  real_SSL_set_accept_state(ssl);
}
