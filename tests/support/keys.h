// Keys and certificates made in memory, for all tests.
#ifndef TESTS_SUPPORT_KEYS_H
#define TESTS_SUPPORT_KEYS_H

#include <memory>

#include <openssl/evp.h>
#include <openssl/x509.h>

namespace openssl_event::testing {

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using Certificate = std::unique_ptr<X509, FreeCertificate>;

enum class KeyType { kRsa, kRsaPss, kEcP256, kEcP384, kEcP521, kEd25519, kEd448 };

// "Rsa", "EcP256": fit for a test's name.
const char* key_type_name(KeyType type);

// A fresh key; RSA of 2048 bits. Aborts on failure, as all functions here.
Key make_key(KeyType type, OSSL_LIB_CTX* libctx = nullptr);

// The process's key of that type, made on first use: RSA keys are slow to make. Borrowed. Any thread.
EVP_PKEY* shared_key(KeyType type);

// A self-signed certificate of the key, for `name` as common name and as DNS name, valid from yesterday for ten years. Signed in
// `libctx`.
Certificate make_certificate(EVP_PKEY* key, const char* name = "localhost", OSSL_LIB_CTX* libctx = nullptr);

}  // namespace openssl_event::testing

#endif
