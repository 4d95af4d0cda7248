// The ways to set a private key: the key becomes an offloaded one, and the program never notices.
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>

#include <cstring>

#include "compat/manner.h"
#include "compat/real.h"
#include "compat/settings.h"
#include "compat/trace.h"

using namespace openssl_event::compat;

namespace {

// An engine's, a method's or another provider's key stays as it is: it may know better where to run, or not be ours to use
// on another thread.
bool is_of_openssl(const EVP_PKEY* key) noexcept {
  const OSSL_PROVIDER* provider = EVP_PKEY_get0_provider(key);
  const char* name = provider ? OSSL_PROVIDER_get0_name(provider) : "";
  return std::strcmp(name, "default") == 0 || std::strcmp(name, "fips") == 0;
}

EVP_PKEY* offloaded(EVP_PKEY* key) noexcept {
  if (!key || openssl_offloadedKey(key) || !is_of_openssl(key)) return nullptr;
  ERR_set_mark();
  EVP_PKEY* wrapped = openssl_offloadKey(key, nullptr, nullptr, 0);
  ERR_pop_to_mark();
  return wrapped;
}

bool is_stream_tls(const SSL_METHOD* method) noexcept {
#if OPENSSL_VERSION_NUMBER >= 0x30200000L
  if (method == OSSL_QUIC_client_method() || method == OSSL_QUIC_client_thread_method()) return false;
#endif
  return method != DTLS_method() && method != DTLS_server_method() && method != DTLS_client_method();
}

// After a function has set a key, whichever way it got it: puts the offloaded one in its place.
void offload(SSL_CTX* ctx) noexcept {
  if (settings().offload == Offload::off || !is_stream_tls(SSL_CTX_get_ssl_method(ctx))) return;
  EVP_PKEY* wrapped = offloaded(real_SSL_CTX_get0_privatekey(ctx));
  if (!wrapped) return;
  trace_key(wrapped);
  note_offloaded_key();
  real_SSL_CTX_use_PrivateKey(ctx, wrapped);
  EVP_PKEY_free(wrapped);
}

void offload(SSL* ssl) noexcept {
  if (settings().offload == Offload::off || !is_stream_tls(SSL_get_ssl_method(ssl))) return;
  EVP_PKEY* wrapped = offloaded(real_SSL_get_privatekey(ssl));
  if (!wrapped) return;
  trace_key(wrapped);
  note_offloaded_key();
  real_SSL_use_PrivateKey(ssl, wrapped);
  EVP_PKEY_free(wrapped);
}

template <typename Object>
int offload_if(int success, Object* object) noexcept {
  if (success > 0) offload(object);
  return success;
}

EVP_PKEY* original(EVP_PKEY* key) noexcept {
  EVP_PKEY* inner = key ? openssl_offloadedKey(key) : nullptr;
  return inner ? inner : key;
}

}  // namespace

int SSL_use_PrivateKey(SSL* ssl, EVP_PKEY* key) { return offload_if(real_SSL_use_PrivateKey(ssl, key), ssl); }

int SSL_use_PrivateKey_ASN1(int type, SSL* ssl, const unsigned char* d, long len) {
  return offload_if(real_SSL_use_PrivateKey_ASN1(type, ssl, d, len), ssl);
}

int SSL_use_PrivateKey_file(SSL* ssl, const char* file, int type) {
  return offload_if(real_SSL_use_PrivateKey_file(ssl, file, type), ssl);
}

int SSL_use_cert_and_key(SSL* ssl, X509* certificate, EVP_PKEY* key, STACK_OF(X509) * chain, int override) {
  return offload_if(real_SSL_use_cert_and_key(ssl, certificate, key, chain, override), ssl);
}

int SSL_CTX_use_PrivateKey(SSL_CTX* ctx, EVP_PKEY* key) { return offload_if(real_SSL_CTX_use_PrivateKey(ctx, key), ctx); }

int SSL_CTX_use_PrivateKey_ASN1(int type, SSL_CTX* ctx, const unsigned char* d, long len) {
  return offload_if(real_SSL_CTX_use_PrivateKey_ASN1(type, ctx, d, len), ctx);
}

int SSL_CTX_use_PrivateKey_file(SSL_CTX* ctx, const char* file, int type) {
  return offload_if(real_SSL_CTX_use_PrivateKey_file(ctx, file, type), ctx);
}

int SSL_CTX_use_cert_and_key(SSL_CTX* ctx, X509* certificate, EVP_PKEY* key, STACK_OF(X509) * chain, int override) {
  return offload_if(real_SSL_CTX_use_cert_and_key(ctx, certificate, key, chain, override), ctx);
}

EVP_PKEY* SSL_get_privatekey(const SSL* ssl) { return original(real_SSL_get_privatekey(ssl)); }
EVP_PKEY* SSL_CTX_get0_privatekey(const SSL_CTX* ctx) { return original(real_SSL_CTX_get0_privatekey(ctx)); }
