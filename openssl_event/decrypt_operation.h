// The decryption of an RSA premaster secret as an operation.
#ifndef OPENSSL_EVENT_DECRYPT_OPERATION_H
#define OPENSSL_EVENT_DECRYPT_OPERATION_H

#include <cstddef>
#include <memory>
#include <utility>

#include "openssl_event/offload_context.h"
#include "openssl_event/operation.h"
#include "openssl_event/tls_premaster.h"

namespace openssl_event {

class DecryptOperation final : public Operation {
 public:
  // Takes over the inner context and a reference to the key. NULL with an error raised; then `inner` is untouched.
  static DecryptOperation* make(OffloadedKey& key, const CipherSettings& settings, InnerContext& inner,
                                const unsigned char* ciphertext, size_t len) noexcept;

  void expose(OPENSSL_ENGINE_CALL& call) noexcept override;
  bool run(OPENSSL_ENGINE_CALL& call) noexcept override;
  bool collect(OPENSSL_ENGINE_CALL& call) noexcept override;

  // After perform() has succeeded: as for SignOperation.
  InnerContext release_inner() noexcept { return std::move(inner_); }
  void copy_premaster(unsigned char* out) const noexcept;

 private:
  DecryptOperation(OffloadedKey& key, const CipherSettings& settings, InnerContext& inner) noexcept;
  ~DecryptOperation() override;
  bool prepare(const unsigned char* ciphertext, size_t len) noexcept;

  OffloadedKey& key_;
  CipherSettings settings_;
  InnerContext inner_;
  std::unique_ptr<unsigned char[]> ciphertext_;
  size_t ciphertext_len_ = 0;
  unsigned char* message_ = nullptr;
  size_t message_size_ = 0;
  bool done_here_ = false;
  unsigned char premaster_[kPremasterSize];
};

}  // namespace openssl_event

#endif
