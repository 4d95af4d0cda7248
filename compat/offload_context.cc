#include "compat/offload_context.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include <cstring>
#include <initializer_list>

#include "compat/manner.h"
#include "compat/settings.h"
#include "openssl_event/openssl_event.h"

namespace openssl_event::compat {
namespace {

// Providers of a program's, and FIPS's, have settings and sessions that nobody can tell a second instance of.
int is_openssls_own(OSSL_PROVIDER* provider, void* all) noexcept {
  for (const char* name : {"default", "legacy", "base"})
    if (std::strcmp(OSSL_PROVIDER_get0_name(provider), name) == 0) return 1;
  *static_cast<bool*>(all) = false;
  return 0;
}

// Whatever a program or openssl.cnf have set up there beyond what OpenSSL brings stays in force as it is.
bool default_context_is_plain() noexcept {
  bool all = true;
  const bool is_the_programs = OSSL_LIB_CTX_set0_default(nullptr) == OSSL_LIB_CTX_get0_global_default();
  return is_the_programs && !EVP_default_properties_is_fips_enabled(nullptr) &&
         OSSL_PROVIDER_do_all(nullptr, is_openssls_own, &all) && all;
}

OSSL_LIB_CTX* make() noexcept {
  OSSL_LIB_CTX* made = openssl_newOffloadContext(nullptr, nullptr, nullptr);
  if (made) note_offloaded_key();
  return made;
}

// Of a provider that was loaded later; one that the program has unloaded does no harm.
int is_there_too(OSSL_PROVIDER* provider, void* context) noexcept {
  return OSSL_PROVIDER_available(static_cast<OSSL_LIB_CTX*>(context), OSSL_PROVIDER_get0_name(provider));
}

}  // namespace

OSSL_LIB_CTX* offload_context(const SSL_METHOD* method) noexcept {
  if (settings().offload != Offload::all || !method || !is_stream_tls(method)) return nullptr;
  OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS, nullptr);  // as SSL_CTX_new does; reads openssl.cnf
  ERR_set_mark();
  OSSL_LIB_CTX* found = nullptr;
  if (default_context_is_plain()) {
    static OSSL_LIB_CTX* const made = make();
    if (made && OSSL_PROVIDER_do_all(nullptr, is_there_too, made)) found = made;
  }
  ERR_pop_to_mark();
  return found;
}

bool is_stream_tls(const SSL_METHOD* method) noexcept {
#if OPENSSL_VERSION_NUMBER >= 0x30200000L
  if (method == OSSL_QUIC_client_method() || method == OSSL_QUIC_client_thread_method()) return false;
#endif
#if OPENSSL_VERSION_NUMBER >= 0x30500000L
  if (method == OSSL_QUIC_server_method()) return false;
#endif
  return method != DTLS_method() && method != DTLS_server_method() && method != DTLS_client_method();
}

}  // namespace openssl_event::compat
