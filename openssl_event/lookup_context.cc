// Which questions of an SSL_CTX become events.
#include <openssl/err.h>

#include <new>

#include "openssl_event/lookup_callbacks.h"

namespace openssl_event {
namespace {

void free_lookups(void*, void* lookups, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<ContextLookups*>(lookups);
}

int context_index() noexcept {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_lookups);
  return index;
}

ContextLookups* make_lookups(SSL_CTX* context) noexcept {
  if (ContextLookups* lookups = lookups_of(context)) return lookups;
  auto* lookups = new (std::nothrow) ContextLookups;
  if (lookups && SSL_CTX_set_ex_data(context, context_index(), lookups)) return lookups;
  delete lookups;
  ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
  return nullptr;
}

constexpr unsigned kStaples = OPENSSL_LOOKUP_STAPLE | OPENSSL_LOOKUP_STAPLE_RECEIVED;
constexpr unsigned kAll = 2 * OPENSSL_REMOVED_SESSIONS - 1;

void set_session_callbacks(SSL_CTX* context, ContextLookups& lookups, unsigned fresh) noexcept {
  if (fresh & OPENSSL_LOOKUP_SESSION) {
    lookups.previous_get = SSL_CTX_sess_get_get_cb(context);
    SSL_CTX_sess_set_get_cb(context, session_asked);
  }
  if (fresh & OPENSSL_NEW_SESSIONS) {
    lookups.previous_new = SSL_CTX_sess_get_new_cb(context);
    SSL_CTX_sess_set_new_cb(context, session_made);
  }
  if (fresh & OPENSSL_REMOVED_SESSIONS) {
    lookups.previous_remove = SSL_CTX_sess_get_remove_cb(context);
    SSL_CTX_sess_set_remove_cb(context, session_removed);
  }
}

void set_psk_callbacks(SSL_CTX* context) noexcept {
  SSL_CTX_set_psk_find_session_callback(context, psk_of_server);
  SSL_CTX_set_psk_use_session_callback(context, psk_of_client);
  SSL_CTX_set_psk_server_callback(context, old_psk_of_server);
  SSL_CTX_set_psk_client_callback(context, old_psk_of_client);
}

void set_handshake_callbacks(SSL_CTX* context, unsigned fresh) noexcept {
  if (fresh & OPENSSL_LOOKUP_CLIENT_HELLO) SSL_CTX_set_client_hello_cb(context, client_hello_asked, nullptr);
  if (fresh & OPENSSL_LOOKUP_CERTIFICATE) SSL_CTX_set_tlsext_servername_callback(context, certificate_asked);
  if (fresh & OPENSSL_LOOKUP_ALPN) SSL_CTX_set_alpn_select_cb(context, alpn_asked, nullptr);
  if (fresh & OPENSSL_LOOKUP_TICKET_KEY) SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket_key_asked);
  if (fresh & OPENSSL_LOOKUP_PSK) set_psk_callbacks(context);
  if (fresh & kStaples) SSL_CTX_set_tlsext_status_cb(context, staple_asked);
  if (fresh & OPENSSL_LOOKUP_VERIFY) SSL_CTX_set_cert_verify_callback(context, verify_asked, nullptr);
}

}  // namespace

ContextLookups* lookups_of(const SSL_CTX* context) noexcept {
  return static_cast<ContextLookups*>(SSL_CTX_get_ex_data(context, context_index()));
}

}  // namespace openssl_event

using namespace openssl_event;

int openssl_setLookups(SSL_CTX* context, unsigned int lookups) {
  if (lookups & ~kAll) {
    ERR_raise_data(ERR_LIB_USER, ERR_R_PASSED_INVALID_ARGUMENT, "openssl_setLookups: unknown bits");
    return 0;
  }
  ContextLookups* of_context = make_lookups(context);
  if (!of_context) return 0;
  const unsigned fresh = lookups & ~of_context->on;
  of_context->on |= lookups;
  set_session_callbacks(context, *of_context, fresh);
  set_handshake_callbacks(context, fresh);
  return 1;
}

SSL_SESSION* openssl_takeRemovedSession(SSL_CTX* context) {
  ContextLookups* lookups = lookups_of(context);
  return lookups ? lookups->removed.pop() : nullptr;
}
