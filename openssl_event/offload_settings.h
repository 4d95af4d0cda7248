// How an offloaded key signs: what an engine that is not OpenSSL has to know.
#ifndef OPENSSL_EVENT_OFFLOAD_SETTINGS_H
#define OPENSSL_EVENT_OFFLOAD_SETTINGS_H

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

  // Whether OPENSSL_SIGN has words for it. What it cannot say, no engine may be asked to do.
  bool is_expressible() const noexcept;
  // The salt in bytes, for a hash and a modulus of these sizes (RFC 8017 9.1.1).
  int salt_bytes(int hash_size, int modulus_bits) const noexcept;
};

// A provider's name of a digest becomes the one that OBJ_nid2sn gives: "SHA2-256" is "SHA256".
void normalize_digest(char* name) noexcept;

}  // namespace openssl_event

#endif
