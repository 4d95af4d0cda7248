// The generation of a key pair as an operation: by OpenSSL, or by an engine that keeps the private half.
#ifndef OPENSSL_EVENT_KEYGEN_OPERATION_H
#define OPENSSL_EVENT_KEYGEN_OPERATION_H

#include <openssl/core.h>

#include "openssl_event/offload_key.h"
#include "openssl_event/operation.h"

namespace openssl_event {

class KeygenOperation final : public Operation {
 public:
  // Of a key like `key`, which has none yet. References the template, which may be NULL, and copies params, which may be
  // NULL too. NULL with an error raised.
  static KeygenOperation* make(OffloadedKey& key, OffloadedKey* parameters, const OSSL_PARAM params[]) noexcept;

  void expose(OPENSSL_ENGINE_CALL& call) noexcept override;
  bool run(OPENSSL_ENGINE_CALL& call) noexcept override;
  bool collect(OPENSSL_ENGINE_CALL& call) noexcept override;
  void discard(OPENSSL_ENGINE_CALL& call) noexcept override;

  // After perform() has succeeded: moves the result into a key like the one of make().
  void fill(OffloadedKey& key) noexcept;
  // Without a key pair, in place.
  bool fill_parameters(OffloadedKey& key) noexcept;

 private:
  explicit KeygenOperation(OffloadedKey& like) noexcept;
  ~KeygenOperation() override;
  EVP_PKEY* generate(bool with_keys) noexcept;
  EVP_PKEY* make_parameters() noexcept;
  EVP_PKEY* make_public(size_t len) noexcept;
  void name_group() noexcept;

  static constexpr size_t kLongest = 1665;  // SecP384r1MLKEM1024: an encapsulation key of FIPS 203 and a point

  OffloadedKey& like_;  // type and home
  OffloadedKey* template_ = nullptr;
  OSSL_PARAM* params_ = nullptr;
  char group_[32] = "";
  EVP_PKEY* generated_ = nullptr;
  EngineHandle handle_;
  unsigned char public_[kLongest];
};

}  // namespace openssl_event

#endif
