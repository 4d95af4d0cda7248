// Engines are deprecated, but are what programs use.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "tests/support/cipher_engine.h"

#include <openssl/opensslv.h>

#if OPENSSL_VERSION_MAJOR < 4
#include <openssl/engine.h>
#include <openssl/evp.h>

namespace openssl_event::testing {
namespace {

const int kCiphers[] = {NID_aes_128_gcm, NID_aes_256_gcm, NID_chacha20_poly1305};

// As engines do: a number asks for that cipher, no place for one asks for the numbers. Those of OpenSSL do as well as
// any; it is the engine that counts.
int choose(ENGINE*, const EVP_CIPHER** cipher, const int** nids, int nid) {
  if (!cipher) {
    *nids = kCiphers;
    return sizeof kCiphers / sizeof *kCiphers;
  }
  *cipher = EVP_get_cipherbynid(nid);
  return *cipher != nullptr;
}

}  // namespace

CipherEngine::CipherEngine() : engine_(ENGINE_new()) {
  ENGINE_set_id(engine_, "ciphers");
  ENGINE_set_ciphers(engine_, choose);
  ENGINE_set_default_ciphers(engine_);
}

CipherEngine::~CipherEngine() {
  ENGINE_unregister_ciphers(engine_);
  ENGINE_free(engine_);
}

}  // namespace openssl_event::testing

#else

namespace openssl_event::testing {

CipherEngine::CipherEngine() = default;
CipherEngine::~CipherEngine() = default;

}  // namespace openssl_event::testing

#endif
