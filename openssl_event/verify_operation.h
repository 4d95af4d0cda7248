// The verification of a signature as an operation.
#ifndef OPENSSL_EVENT_VERIFY_OPERATION_H
#define OPENSSL_EVENT_VERIFY_OPERATION_H

#include <cstddef>
#include <memory>
#include <utility>

#include "openssl_event/offload_context.h"
#include "openssl_event/operation.h"

namespace openssl_event {

class VerifyOperation final : public Operation {
 public:
  // As SignOperation::make. Both signature and `tbs` are copied.
  static VerifyOperation* make(OffloadedKey& key, const SignSettings& settings, InnerContext& inner,
                               const unsigned char* signature, size_t signature_len, const unsigned char* tbs,
                               size_t tbs_len) noexcept;

  bool is_expressible() const noexcept { return settings_.is_expressible(); }

  void expose(OPENSSL_ENGINE_CALL& call) noexcept override;
  // True if it could be told whether the signature is valid.
  bool run(OPENSSL_ENGINE_CALL& call) noexcept override;
  bool collect(OPENSSL_ENGINE_CALL& call) noexcept override;

  // After perform() has succeeded: as for SignOperation.
  InnerContext release_inner() noexcept { return std::move(inner_); }
  bool is_valid() const noexcept { return valid_; }

 private:
  VerifyOperation(OffloadedKey& key, const SignSettings& settings, InnerContext& inner) noexcept;
  ~VerifyOperation() override { key_.unref(); }
  bool copy(const unsigned char* signature, size_t signature_len, const unsigned char* tbs, size_t tbs_len) noexcept;

  OffloadedKey& key_;
  InnerContext inner_;
  SignSettings settings_;
  std::unique_ptr<unsigned char[]> bytes_;  // the signature, then what it signs
  size_t signature_len_ = 0;
  size_t tbs_len_ = 0;
  bool valid_ = false;
};

}  // namespace openssl_event

#endif
