// Keys, certificates and contexts, made in memory.
#ifndef BENCHMARKS_SUPPORT_CREDENTIALS_H
#define BENCHMARKS_SUPPORT_CREDENTIALS_H

#include <memory>

#include <openssl/ssl.h>

namespace benchmarks {

struct FreeOpenssl {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeOpenssl>;
using Certificate = std::unique_ptr<X509, FreeOpenssl>;
using Context = std::unique_ptr<SSL_CTX, FreeOpenssl>;

// Ends the program with the error queue if `done` is false.
void require(bool done, const char* what);

struct Credentials {
  Key key;
  Key offloaded;  // the same, by openssl_offloadKey
  Certificate certificate;
};
enum class KeyKind { rsa2048, rsa4096, p256 };
Credentials make_credentials(KeyKind kind);

// Of TLS 1.3 with TLS_AES_128_GCM_SHA256, or 1.2 with AES128-GCM-SHA256. Without a session cache. `library`: as for
// SSL_CTX_new_ex.
enum class Buffers { kept, released };
Context server_context(const Credentials& credentials, EVP_PKEY* key, Buffers buffers = Buffers::kept,
                       OSSL_LIB_CTX* library = nullptr);
Context client_context(int version = TLS1_3_VERSION, Buffers buffers = Buffers::kept);

}  // namespace benchmarks

#endif
