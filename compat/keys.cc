// Low-level key types are deprecated, but are what programs make.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "compat/keys.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include <cstring>

#include "compat/library_context.h"
#include "compat/manner.h"
#include "compat/offload_context.h"
#include "compat/real.h"
#include "compat/settings.h"
#include "compat/trace.h"

namespace openssl_event::compat {
namespace {

bool is_of_an_engine([[maybe_unused]] EVP_PKEY* key) noexcept {
#if OPENSSL_VERSION_MAJOR < 4
  return EVP_PKEY_get0_engine(key) != nullptr;
#else
  return false;  // there are none any more
#endif
}

// Made by functions of before providers: an engine's, or one with methods of its own, may be a smart card's.
bool is_legacy_of_openssl(EVP_PKEY* key) noexcept {
  if (is_of_an_engine(key)) return false;
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS: {
      const RSA* rsa = EVP_PKEY_get0_RSA(key);
      return rsa && RSA_get_method(rsa) == RSA_PKCS1_OpenSSL() && !RSA_test_flags(rsa, RSA_FLAG_EXT_PKEY);
    }
    case EVP_PKEY_EC: {
      const EC_KEY* ec = EVP_PKEY_get0_EC_KEY(key);
      return ec && EC_KEY_get_method(ec) == EC_KEY_OpenSSL();
    }
    default: return false;
  }
}

// An engine's, a method's or another provider's key stays as it is: it may know better where to run, or not be ours to use
// on another thread.
bool is_of_openssl(EVP_PKEY* key) noexcept {
  const OSSL_PROVIDER* provider = EVP_PKEY_get0_provider(key);
  if (!provider) return is_legacy_of_openssl(key);
  const char* name = OSSL_PROVIDER_get0_name(provider);
  return std::strcmp(name, "default") == 0 || std::strcmp(name, "fips") == 0;
}

// The offloaded form of `key`; the caller's. nullptr: it stays as it is.
EVP_PKEY* offloaded(EVP_PKEY* key, const SSL_CTX* ctx) noexcept {
  if (!key || openssl_offloadedKey(key) || !is_of_openssl(key)) return nullptr;
  // Before a library context of its own is freed, every thread that has used it must say so: the program cannot for ours.
  const LibraryContext* library = LibraryContext::find(ctx);
  if (library && !library->is_default()) return nullptr;
  EVP_PKEY* wrapped = openssl_offloadKey(key, nullptr, library ? library->properties() : nullptr, 0);
  if (!wrapped) return nullptr;
  trace_key(wrapped);
  note_offloaded_key();
  return wrapped;
}

template <typename Object>
void replace(Object* object, EVP_PKEY* key, const SSL_CTX* ctx, int (*use)(Object*, EVP_PKEY*)) noexcept {
  ERR_set_mark();
  if (EVP_PKEY* wrapped = offloaded(key, ctx)) {
    use(object, wrapped);
    EVP_PKEY_free(wrapped);
  }
  ERR_pop_to_mark();
}

bool shall_offload(const SSL_METHOD* method) noexcept { return settings().offload != Offload::off && is_stream_tls(method); }

}  // namespace

void offload(SSL_CTX* ctx) noexcept {
  if (shall_offload(SSL_CTX_get_ssl_method(ctx)))
    replace<SSL_CTX>(ctx, real_SSL_CTX_get0_privatekey(ctx), ctx, [](SSL_CTX* c, EVP_PKEY* k) { return real_SSL_CTX_use_PrivateKey(c, k); });
}

void offload(SSL* ssl) noexcept {
  if (shall_offload(SSL_get_ssl_method(ssl)))
    replace<SSL>(ssl, real_SSL_get_privatekey(ssl), SSL_get_SSL_CTX(ssl), [](SSL* s, EVP_PKEY* k) { return real_SSL_use_PrivateKey(s, k); });
}

EVP_PKEY* original(EVP_PKEY* key) noexcept {
  EVP_PKEY* inner = key ? openssl_offloadedKey(key) : nullptr;
  return inner ? inner : key;
}

}  // namespace openssl_event::compat
