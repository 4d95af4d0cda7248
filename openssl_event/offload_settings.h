// How an offloaded key signs: what an engine that is not OpenSSL has to know.
#ifndef OPENSSL_EVENT_OFFLOAD_SETTINGS_H
#define OPENSSL_EVENT_OFFLOAD_SETTINGS_H

#include <cstddef>

#include <openssl/core.h>
#include <openssl/types.h>

namespace openssl_event {

struct SignSettings {
  static constexpr int kNameSize = 50;  // OpenSSL's own bound of a digest's name, OSSL_MAX_NAME_SIZE

  int padding = 0;      // RSA_*_PADDING, 0 for other keys
  int salt_length = 0;  // as set: may be a special value of OpenSSL's
  char digest[kNameSize] = "";
  char mgf1_digest[kNameSize] = "";
  bool is_variant = false;  // Ed25519ctx, Ed25519ph and their like

  // What holds for a key of that type before anything is set.
  void reset(const char* key_type) noexcept;
  // What the application sets. It counts where the inner context does not tell its state: not every provider does.
  void note(const OSSL_PARAM params[]) noexcept;
  // What the inner context tells; the rest stays.
  void ask(EVP_PKEY_CTX* inner) noexcept;

  // Makes the names those of the header, and numbers of what is symbolic (when signing; a verifier's AUTO stays), for what
  // `inner` will do with that key. `md`: what it hashes with, or NULL, if it is given a digest of `tbs_len` bytes.
  void complete(EVP_PKEY_CTX* inner, const EVP_PKEY* key, const EVP_MD* md, size_t tbs_len, bool is_verifier) noexcept;

  // Whether OPENSSL_SIGN has words for it. What it cannot say, no engine may be asked to do.
  bool is_expressible() const noexcept;
  const char* digest_or_null() const noexcept { return digest[0] == '\0' ? nullptr : digest; }
  const char* mgf1_digest_or_null() const noexcept { return mgf1_digest[0] == '\0' ? nullptr : mgf1_digest; }
  // The salt in bytes, for a hash and a modulus of these sizes (RFC 8017 9.1.1).
  int salt_bytes(int hash_size, int modulus_bits) const noexcept;
};

// Of a key exchange: what an engine can be told is the plain secret, padded or not.
struct ExchangeSettings {
  bool is_plain = true;    // nothing but the padding has been set: no KDF, no cofactor mode
  bool is_padded = false;  // DH: leading zeros stay

  void note(const OSSL_PARAM params[]) noexcept;
};

// Of RSA decryption: an engine can be told of the premaster secret of TLS.
struct CipherSettings {
  bool is_premaster = false;     // RSA_PKCS1_WITH_TLS_PADDING
  unsigned client_version = 0;   // of the ClientHello
  unsigned other_version = 0;    // accepted too, if not 0: see SSL_OP_TLS_ROLLBACK_BUG

  void note(const OSSL_PARAM params[]) noexcept;
};

// A provider's name of a digest becomes the one that OBJ_nid2sn gives: "SHA2-256" is "SHA256".
void normalize_digest(char* name) noexcept;

}  // namespace openssl_event

#endif
