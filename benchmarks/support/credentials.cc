#include "benchmarks/support/credentials.h"

#include <cstdio>
#include <cstdlib>

#include <openssl/err.h>

#include "openssl_event/openssl_event.h"

namespace benchmarks {

void require(bool done, const char* what) {
  if (done) return;
  std::fprintf(stderr, "benchmarks: %s failed\n", what);
  ERR_print_errors_fp(stderr);
  std::_Exit(1);
}

namespace {

Key make_key(KeyKind kind) {
  switch (kind) {
    case KeyKind::rsa2048: return Key(EVP_RSA_gen(2048));
    case KeyKind::rsa4096: return Key(EVP_RSA_gen(4096));
    case KeyKind::p256: return Key(EVP_EC_gen("P-256"));
  }
  return nullptr;
}

Certificate make_certificate(EVP_PKEY* key) {
  Certificate certificate(X509_new());
  X509_NAME* name = X509_NAME_new();
  const auto* text = reinterpret_cast<const unsigned char*>("localhost");
  const bool done = X509_set_version(certificate.get(), X509_VERSION_3) &&
                    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1) &&
                    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600) &&
                    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 24 * 3600) &&
                    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0) &&
                    X509_set_subject_name(certificate.get(), name) &&
                    X509_set_issuer_name(certificate.get(), name) && X509_set_pubkey(certificate.get(), key) &&
                    X509_sign(certificate.get(), key, EVP_sha256()) > 0;
  X509_NAME_free(name);
  require(done, "making a certificate");
  return certificate;
}

Context common_context(const SSL_METHOD* method, Buffers buffers, OSSL_LIB_CTX* library = nullptr) {
  Context context(SSL_CTX_new_ex(library, nullptr, method));
  require(context && SSL_CTX_set_ciphersuites(context.get(), "TLS_AES_128_GCM_SHA256") &&
              SSL_CTX_set_cipher_list(context.get(), "ECDHE+AES128+AESGCM"),
          "making a context");
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  if (buffers == Buffers::released) SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  return context;
}

}  // namespace

Credentials make_credentials(KeyKind kind) {
  Credentials credentials;
  credentials.key = make_key(kind);
  require(credentials.key != nullptr, "making a key");
  credentials.certificate = make_certificate(credentials.key.get());
  credentials.offloaded.reset(openssl_offloadKey(credentials.key.get(), nullptr, nullptr, 0));
  require(credentials.offloaded != nullptr, "openssl_offloadKey");
  return credentials;
}

Context server_context(const Credentials& credentials, EVP_PKEY* key, Buffers buffers, OSSL_LIB_CTX* library) {
  Context context = common_context(TLS_server_method(), buffers, library);
  require(SSL_CTX_use_certificate(context.get(), credentials.certificate.get()) && SSL_CTX_use_PrivateKey(context.get(), key),
          "using the key");
  return context;
}

Context client_context(int version, Buffers buffers) {
  Context context = common_context(TLS_client_method(), buffers);
  require(SSL_CTX_set_min_proto_version(context.get(), version) && SSL_CTX_set_max_proto_version(context.get(), version),
          "setting the version");
  return context;
}

}  // namespace benchmarks
