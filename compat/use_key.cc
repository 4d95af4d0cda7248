// The ways to set a private key: it becomes an offloaded one, and the program never notices.
#include <openssl/ssl.h>

#include "compat/keys.h"
#include "compat/real.h"

using namespace openssl_event::compat;

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
