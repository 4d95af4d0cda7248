// A signature as an operation: executed with OpenSSL by any thread, or by an engine that fills the operands' buffer.
#ifndef OPENSSL_EVENT_SIGN_OPERATION_H
#define OPENSSL_EVENT_SIGN_OPERATION_H

#include <cstddef>
#include <memory>

#include "openssl_event/error_queue.h"
#include "openssl_event/offload_context.h"
#include "openssl_event/operation.h"

namespace openssl_event {

class SignOperation final : public Operation {
 public:
  // Takes over the inner context, and a reference to the key: nobody else touches them while the call is out, and both
  // may outlive the provider context. `tbs` is copied. NULL with an error raised; then `inner` is untouched.
  static SignOperation* make(OffloadedKey& key, const SignSettings& settings, InnerContext& inner,
                             const unsigned char* tbs, size_t tbs_len) noexcept;

  // Whether the operands say all: else it is to be executed in place.
  bool is_expressible() const noexcept { return settings_.is_expressible(); }

  void expose(OPENSSL_ENGINE_CALL& call) noexcept override;
  bool run(OPENSSL_ENGINE_CALL& call) noexcept override;
  bool collect(OPENSSL_ENGINE_CALL& call) noexcept override;

  // After perform() has succeeded: the inner context back, for what the caller may still ask of it, and the signature.
  InnerContext release_inner() noexcept { return std::move(inner_); }
  bool copy_signature(unsigned char* signature, size_t* len, size_t size) const noexcept;

 private:
  SignOperation(OffloadedKey& key, const SignSettings& settings, InnerContext& inner) noexcept;
  ~SignOperation() override { key_.unref(); }
  bool allocate(const unsigned char* tbs, size_t tbs_len) noexcept;
  bool fails() noexcept;

  OffloadedKey& key_;
  InnerContext inner_;
  SignSettings settings_;
  std::unique_ptr<unsigned char[]> tbs_;
  std::unique_ptr<unsigned char[]> signature_;
  size_t tbs_len_ = 0;
  size_t signature_size_ = 0;
  size_t signature_len_ = 0;
  std::unique_ptr<SavedErrors> why_;  // it has failed
};

}  // namespace openssl_event

#endif
