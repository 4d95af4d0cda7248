#include "examples/https_server/lookups/session_cipher.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

namespace https {
namespace {

struct Free {
  void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
  void operator()(EVP_KDF_CTX* kdf) const { EVP_KDF_CTX_free(kdf); }
  void operator()(EVP_CIPHER_CTX* cipher) const { EVP_CIPHER_CTX_free(cipher); }
};
using CipherPointer = std::unique_ptr<EVP_CIPHER_CTX, Free>;

constexpr char kVersion = 1;  // of what is stored: this byte, nonce, ciphertext, tag
constexpr std::size_t kNonce = 12, kTag = 16;
constexpr std::size_t kOverhead = 1 + kNonce + kTag;

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

bool derive(std::string_view secret, unsigned char (&key)[32]) {
  char digest[] = "SHA256", info[] = "openssl_event https_server sessions";
  const std::unique_ptr<EVP_KDF, Free> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const std::unique_ptr<EVP_KDF_CTX, Free> context(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
  std::string copy(secret);  // OSSL_PARAM wants it writable
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, copy.data(), copy.size()),
                               OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof info - 1),
                               OSSL_PARAM_construct_end()};
  const bool derived = context && EVP_KDF_derive(context.get(), key, sizeof key, params) > 0;
  OPENSSL_cleanse(copy.data(), copy.size());
  return derived;
}

}  // namespace

std::unique_ptr<SessionCipher> SessionCipher::from_secret(std::string_view secret) {
  std::unique_ptr<SessionCipher> cipher(new SessionCipher);
  return !secret.empty() && derive(secret, cipher->key_) ? std::move(cipher) : nullptr;
}

std::unique_ptr<SessionCipher> SessionCipher::from_key(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PrivateKey(key, &der);
  if (size <= 0) return nullptr;
  auto cipher = from_secret({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_clear_free(der, static_cast<std::size_t>(size));
  return cipher;
}

SessionCipher::~SessionCipher() { OPENSSL_cleanse(key_, sizeof key_); }

std::optional<std::string> SessionCipher::seal(std::string_view session, std::string_view associated) const {
  std::string sealed(kOverhead + session.size(), kVersion);
  unsigned char* nonce = bytes(sealed) + 1;
  unsigned char* text = nonce + kNonce;
  int size = 0;
  const CipherPointer cipher(EVP_CIPHER_CTX_new());
  const bool done =
      cipher && RAND_bytes(nonce, kNonce) > 0 &&
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key_, nonce) > 0 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, bytes(associated), static_cast<int>(associated.size())) > 0 &&
      EVP_EncryptUpdate(cipher.get(), text, &size, bytes(session), static_cast<int>(session.size())) > 0 &&
      EVP_EncryptFinal_ex(cipher.get(), text + size, &size) > 0 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, kTag, text + session.size()) > 0;
  return done ? std::optional(std::move(sealed)) : std::nullopt;
}

std::optional<std::string> SessionCipher::open(std::string_view sealed, std::string_view associated) const {
  if (sealed.size() < kOverhead || sealed[0] != kVersion) return std::nullopt;
  const unsigned char* nonce = bytes(sealed) + 1;
  const unsigned char* text = nonce + kNonce;
  const std::size_t length = sealed.size() - kOverhead;
  std::string session(length, '\0'), tag(sealed.substr(sealed.size() - kTag));
  int size = 0;
  const CipherPointer cipher(EVP_CIPHER_CTX_new());
  const bool done =
      cipher && EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key_, nonce) > 0 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, bytes(associated), static_cast<int>(associated.size())) > 0 &&
      EVP_DecryptUpdate(cipher.get(), bytes(session), &size, text, static_cast<int>(length)) > 0 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, kTag, tag.data()) > 0 &&
      EVP_DecryptFinal_ex(cipher.get(), bytes(session) + size, &size) > 0;
  if (done) return session;
  OPENSSL_cleanse(session.data(), session.size());
  return std::nullopt;
}

}  // namespace https
