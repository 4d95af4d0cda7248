// The deprecated ways to set a private key, which the headers may hide; programs use them all the same.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/ssl.h>

#include "compat/keys.h"
#include "compat/real.h"

extern "C" {
int SSL_use_RSAPrivateKey(SSL* ssl, RSA* rsa);
int SSL_use_RSAPrivateKey_ASN1(SSL* ssl, const unsigned char* d, long len);
int SSL_use_RSAPrivateKey_file(SSL* ssl, const char* file, int type);
int SSL_CTX_use_RSAPrivateKey(SSL_CTX* ctx, RSA* rsa);
int SSL_CTX_use_RSAPrivateKey_ASN1(SSL_CTX* ctx, const unsigned char* d, long len);
int SSL_CTX_use_RSAPrivateKey_file(SSL_CTX* ctx, const char* file, int type);
}

using namespace openssl_event::compat;

namespace {

constinit Real<decltype(SSL_use_RSAPrivateKey)> real_ssl("SSL_use_RSAPrivateKey");
constinit Real<decltype(SSL_use_RSAPrivateKey_ASN1)> real_ssl_asn1("SSL_use_RSAPrivateKey_ASN1");
constinit Real<decltype(SSL_use_RSAPrivateKey_file)> real_ssl_file("SSL_use_RSAPrivateKey_file");
constinit Real<decltype(SSL_CTX_use_RSAPrivateKey)> real_ctx("SSL_CTX_use_RSAPrivateKey");
constinit Real<decltype(SSL_CTX_use_RSAPrivateKey_ASN1)> real_ctx_asn1("SSL_CTX_use_RSAPrivateKey_ASN1");
constinit Real<decltype(SSL_CTX_use_RSAPrivateKey_file)> real_ctx_file("SSL_CTX_use_RSAPrivateKey_file");

}  // namespace

int SSL_use_RSAPrivateKey(SSL* ssl, RSA* rsa) { return offload_if(real_ssl(ssl, rsa), ssl); }

int SSL_use_RSAPrivateKey_ASN1(SSL* ssl, const unsigned char* d, long len) {
  return offload_if(real_ssl_asn1(ssl, d, len), ssl);
}

int SSL_use_RSAPrivateKey_file(SSL* ssl, const char* file, int type) {
  return offload_if(real_ssl_file(ssl, file, type), ssl);
}

int SSL_CTX_use_RSAPrivateKey(SSL_CTX* ctx, RSA* rsa) { return offload_if(real_ctx(ctx, rsa), ctx); }

int SSL_CTX_use_RSAPrivateKey_ASN1(SSL_CTX* ctx, const unsigned char* d, long len) {
  return offload_if(real_ctx_asn1(ctx, d, len), ctx);
}

int SSL_CTX_use_RSAPrivateKey_file(SSL_CTX* ctx, const char* file, int type) {
  return offload_if(real_ctx_file(ctx, file, type), ctx);
}
