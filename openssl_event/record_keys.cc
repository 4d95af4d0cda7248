#include "openssl_event/record_keys.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>

#include <atomic>
#include <cstring>

namespace openssl_event {
namespace {

// Below the 2^24.5 records of RFC 8446 5.5. ChaCha20-Poly1305 has no limit that can be reached.
constexpr std::uint64_t kRecordsOfOneGcmKey = std::uint64_t{1} << 24;

struct Known {
  int nid;
  const char* name;
  std::size_t key_size;
  bool gcm;
  std::atomic<EVP_CIPHER*> cipher;  // fetched once, kept for the life of the process
};

Known known_ciphers[] = {{NID_aes_128_gcm, "AES-128-GCM", 16, true, nullptr},
                         {NID_aes_256_gcm, "AES-256-GCM", 32, true, nullptr},
                         {NID_chacha20_poly1305, "ChaCha20-Poly1305", 32, false, nullptr}};

const EVP_CIPHER* fetch(Known& known) noexcept {
  EVP_CIPHER* cipher = known.cipher.load(std::memory_order_acquire);
  if (cipher) return cipher;
  EVP_CIPHER* fetched = EVP_CIPHER_fetch(nullptr, known.name, nullptr);
  if (fetched && !known.cipher.compare_exchange_strong(cipher, fetched, std::memory_order_acq_rel)) {
    EVP_CIPHER_free(fetched);
    return cipher;
  }
  return fetched;
}

constexpr char kLabelPrefix[] = "tls13 ";

// HKDF-Expand-Label (RFC 8446 7.1) with an empty context, of at most one hash length: one HMAC.
bool expand_label(const EVP_MD* digest, const TrafficSecret& secret, const char* label, unsigned char* out,
                  std::size_t size) noexcept {
  unsigned char info[32];
  const std::size_t label_size = std::strlen(label);
  unsigned char* p = info;
  *p++ = 0;
  *p++ = static_cast<unsigned char>(size);
  *p++ = static_cast<unsigned char>(sizeof kLabelPrefix - 1 + label_size);
  std::memcpy(p, kLabelPrefix, sizeof kLabelPrefix - 1);
  p += sizeof kLabelPrefix - 1;
  std::memcpy(p, label, label_size);
  p += label_size;
  *p++ = 0;  // the context
  *p++ = 1;  // the counter of HKDF-Expand (RFC 5869 2.3)
  unsigned char block[EVP_MAX_MD_SIZE];
  unsigned int block_size = 0;
  const bool done = HMAC(digest, secret.bytes, static_cast<int>(secret.size), info, static_cast<std::size_t>(p - info),
                         block, &block_size) &&
                    size <= block_size;
  if (done) std::memcpy(out, block, size);
  OPENSSL_cleanse(block, sizeof block);
  return done;
}

constexpr std::size_t kLargestMasterSecret = 48;  // RFC 5246 8.1
constexpr std::size_t kLargestKeyBlock = 2 * (32 + kIvSize);

bool expand_master_secret(const RecordSuite& suite, SSL* ssl, unsigned char* block, std::size_t size) noexcept {
  EVP_KDF* kdf = EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_PRF, nullptr);
  EVP_KDF_CTX* context = kdf ? EVP_KDF_CTX_new(kdf) : nullptr;
  EVP_KDF_free(kdf);
  if (!context) return false;
  unsigned char secret[kLargestMasterSecret];
  const std::size_t secret_size = SSL_SESSION_get_master_key(SSL_get_session(ssl), secret, sizeof secret);
  char label[] = "key expansion";
  unsigned char randoms[2 * SSL3_RANDOM_SIZE];
  SSL_get_server_random(ssl, randoms, SSL3_RANDOM_SIZE);
  SSL_get_client_random(ssl, randoms + SSL3_RANDOM_SIZE, SSL3_RANDOM_SIZE);
  char digest[32];
  std::strncpy(digest, EVP_MD_get0_name(suite.digest), sizeof digest - 1);
  digest[sizeof digest - 1] = '\0';
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret, secret_size),
                                   OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, label, sizeof label - 1),
                                   OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, randoms, sizeof randoms),
                                   OSSL_PARAM_construct_end()};
  const bool done = secret_size > 0 && EVP_KDF_derive(context, block, size, parameters) > 0;
  EVP_KDF_CTX_free(context);
  OPENSSL_cleanse(secret, sizeof secret);
  return done;
}

}  // namespace

bool find_suite(SSL* ssl, RecordSuite& suite) noexcept {
  const int version = SSL_version(ssl);
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl);
  if (!cipher || (version != TLS1_3_VERSION && version != TLS1_2_VERSION)) return false;
  for (Known& known : known_ciphers) {
    if (known.nid != SSL_CIPHER_get_cipher_nid(cipher)) continue;
    suite.tls13 = version == TLS1_3_VERSION;
    suite.cipher = fetch(known);
    suite.digest = SSL_CIPHER_get_handshake_digest(cipher);
    suite.key_size = known.key_size;
    suite.explicit_nonce = known.gcm && !suite.tls13;
    suite.records_limit = known.gcm && suite.tls13 ? kRecordsOfOneGcmKey : 0;
    return suite.cipher && suite.digest;
  }
  return false;
}

bool derive_key(const RecordSuite& suite, const TrafficSecret& secret, RecordKey& key) noexcept {
  return expand_label(suite.digest, secret, "key", key.key, suite.key_size) &&
         expand_label(suite.digest, secret, "iv", key.iv, kIvSize);
}

bool next_secret(const RecordSuite& suite, TrafficSecret& secret) noexcept {
  TrafficSecret next;
  next.size = secret.size;
  if (!expand_label(suite.digest, secret, "traffic upd", next.bytes, next.size)) {
    secret.wipe();
    return false;
  }
  std::memcpy(secret.bytes, next.bytes, next.size);
  return true;
}

bool derive_key(const RecordSuite& suite, SSL* ssl, bool of_server, RecordKey& key) noexcept {
  const std::size_t iv_size = suite.explicit_nonce ? kSaltSize : kIvSize;
  unsigned char block[kLargestKeyBlock];  // client key, server key, client IV, server IV
  if (!expand_master_secret(suite, ssl, block, 2 * (suite.key_size + iv_size))) return false;
  std::memcpy(key.key, block + (of_server ? suite.key_size : 0), suite.key_size);
  std::memcpy(key.iv, block + 2 * suite.key_size + (of_server ? iv_size : 0), iv_size);
  OPENSSL_cleanse(block, sizeof block);
  return true;
}

}  // namespace openssl_event
