// The functions that make, reset and end an SSL.
#include <openssl/ssl.h>

#include "compat/manner.h"
#include "compat/modes.h"
#include "compat/real.h"
#include "compat/report.h"
#include "compat/session.h"
#include "compat/settings.h"

using namespace openssl_event::compat;

namespace {

void abandon_handshake(SSL* ssl) noexcept {
  Session* session = Session::find(ssl);
  if (session && !session->runs_here()) session->abandon();
}

void restart_data(SSL* ssl) noexcept {
  const Session* session = Session::find(ssl);
  if (session && session->data_path()) session->data_path()->restart();
}

// libssl copies the message callback: the program's own, or the one that counts records.
void watch_data_of_copy(Session& copy, const DataPath* original) noexcept {
  if (original && original->is_watching())
    copy.watch_data();
  else
    copy.leave_data();
}

}  // namespace

// With a session from its birth, which then knows of all references.
SSL* SSL_new(SSL_CTX* ctx) {
  SSL* ssl = real_SSL_new(ctx);
  if (!ssl) return nullptr;
  note_tls_is_used();
  const bool async = is_async(ctx);
  if (async || !nothing_is_offloaded() || settings().record_path != RecordsTaken::off)
    if (Session* session = Session::find_or_make(ssl)) {
      session->set_async(async);
      session->watch_data();
    }
  return ssl;
}

// The last reference ends the SSL, and with it, by its ex_data, the session; a suspended handshake must end before libssl
// takes the SSL apart.
void SSL_free(SSL* ssl) {
  Session* session = Session::find(ssl);
  if (session && session->drop_reference()) session->abandon();
  real_SSL_free(ssl);
}

int SSL_up_ref(SSL* ssl) {
  const int value = real_SSL_up_ref(ssl);
  if (!value) return value;
  if (Session* session = Session::find_or_make(ssl)) session->add_reference();
  return value;
}

// During a handshake SSL_dup is SSL_up_ref.
SSL* SSL_dup(SSL* ssl) {
  SSL* copy = real_SSL_dup(ssl);
  if (!copy) return nullptr;
  if (copy == ssl) {
    if (Session* session = Session::find_or_make(ssl)) session->add_reference();
  } else if (const Session* session = Session::find(ssl)) {
    if (Session* other = Session::find_or_make(copy)) {
      other->set_async(session->async());
      watch_data_of_copy(*other, session->data_path());
    }
  }
  return copy;
}

int SSL_clear(SSL* ssl) {
  abandon_handshake(ssl);
  const int value = real_SSL_clear(ssl);
  if (value) restart_data(ssl);
  return value;
}

// libssl begins with an SSL_clear of its own, and its handshake either ends at once or begins anew the next time.
int SSL_stateless(SSL* ssl) {
  if (!is_stream_tls(ssl)) return real_SSL_stateless(ssl);
  if (!SSL_clear(ssl)) return 0;
  const Session::WaitsHere within(Session::find_or_make(ssl));
  return real_SSL_stateless(ssl);
}

void SSL_set_connect_state(SSL* ssl) {
  abandon_handshake(ssl);
  real_SSL_set_connect_state(ssl);
  restart_data(ssl);
}

void SSL_set_accept_state(SSL* ssl) {
  abandon_handshake(ssl);
  real_SSL_set_accept_state(ssl);
  restart_data(ssl);
}

// While a handshake is under way, a gate stands in the place of the program's.
void (*SSL_get_info_callback(const SSL* ssl))(const SSL* ssl, int where, int value) {
  const Session* session = Session::find(ssl);
  return session ? session->info_callback() : real_SSL_get_info_callback(ssl);
}
