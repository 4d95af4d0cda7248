// Sessions sealed for a store that others can read: AES-256-GCM (NIST SP 800-38D), a random nonce, and the session's id
// and session id context as associated data, so that the store cannot exchange one session for another.
#ifndef EXAMPLES_HTTPS_SERVER_LOOKUPS_SESSION_CIPHER_H
#define EXAMPLES_HTTPS_SERVER_LOOKUPS_SESSION_CIPHER_H

#include <openssl/evp.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace https {

class SessionCipher {
 public:
  // By HKDF-SHA256 (RFC 5869) from a secret, or from a private key that can be exported. nullptr: it cannot.
  static std::unique_ptr<SessionCipher> from_secret(std::string_view secret);
  static std::unique_ptr<SessionCipher> from_key(EVP_PKEY* key);
  ~SessionCipher();
  SessionCipher(const SessionCipher&) = delete;
  SessionCipher& operator=(const SessionCipher&) = delete;

  // Any thread. `associated` is what belongs to the session but is not in it. Nothing: a failure; it is not authentic.
  std::optional<std::string> seal(std::string_view session, std::string_view associated) const;
  std::optional<std::string> open(std::string_view sealed, std::string_view associated) const;

 private:
  SessionCipher() = default;
  unsigned char key_[32];
};

}  // namespace https

#endif
