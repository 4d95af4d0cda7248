// The generation of a key or of parameters: what libcrypto sets, until it says "generate".
#ifndef OPENSSL_EVENT_OFFLOAD_GENERATION_H
#define OPENSSL_EVENT_OFFLOAD_GENERATION_H

#include <openssl/core.h>

#include "openssl_event/offload_key.h"

namespace openssl_event {

class OffloadGeneration {
 public:
  // NULL without memory. `type` is static.
  static OffloadGeneration* create(const char* type, const OffloadHome& home, int selection,
                                   const OSSL_PARAM params[]) noexcept;
  ~OffloadGeneration();
  OffloadGeneration(const OffloadGeneration&) = delete;
  OffloadGeneration& operator=(const OffloadGeneration&) = delete;

  bool set_params(const OSSL_PARAM params[]) noexcept;
  // A key whose parameters the new one shall have.
  bool set_template(OffloadedKey* key) noexcept;
  // The new key, the caller's, by way of an operation; parameters alone, which libssl asks for too, in place. NULL on
  // failure.
  OffloadedKey* generate() noexcept;

 private:
  OffloadGeneration(const char* type, const OffloadHome& home, int selection) noexcept
      : type_(type), home_(home), selection_(selection) {}

  const char* type_;
  const OffloadHome& home_;
  int selection_;
  OffloadedKey* template_ = nullptr;
  OSSL_PARAM* params_ = nullptr;
};

}  // namespace openssl_event

#endif
