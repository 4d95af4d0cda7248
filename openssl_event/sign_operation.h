// A signature as an operation: executed with OpenSSL by any thread, or by an engine that fills the operands' buffer.
#ifndef OPENSSL_EVENT_SIGN_OPERATION_H
#define OPENSSL_EVENT_SIGN_OPERATION_H

#include <cstddef>
#include <memory>

#include "openssl_event/offload_context.h"
#include "openssl_event/operation.h"

namespace openssl_event {

class SignOperation final : public Operation {
 public:
  // Takes over the inner context, and a reference to the key: nobody else touches them while the call is out, and both
  // may outlive the provider context. `tbs` is copied. NULL with an error raised; then `inner` is untouched.
  static SignOperation* make(OffloadedKey& key, InnerContext& inner, const unsigned char* tbs, size_t tbs_len) noexcept;

  void expose(OPENSSL_ENGINE_CALL& call) noexcept override;
  bool run(OPENSSL_ENGINE_CALL& call) noexcept override;
  void collect(const OPENSSL_ENGINE_CALL& call) noexcept override;

  // After perform() has succeeded: the inner context back, for what the caller may still ask of it, and the signature.
  InnerContext release_inner() noexcept { return std::move(inner_); }
  bool copy_signature(unsigned char* signature, size_t* len, size_t size) const noexcept;

 private:
  SignOperation(OffloadedKey& key, InnerContext& inner) noexcept;
  ~SignOperation() override { key_.unref(); }
  bool allocate(const unsigned char* tbs, size_t tbs_len) noexcept;
  void read_digest() noexcept;
  void read_padding() noexcept;

  static constexpr size_t kNameSize = 50;  // OpenSSL's own bound of a digest's name, OSSL_MAX_NAME_SIZE

  OffloadedKey& key_;
  InnerContext inner_;
  std::unique_ptr<unsigned char[]> tbs_;
  std::unique_ptr<unsigned char[]> signature_;
  size_t tbs_len_ = 0;
  size_t signature_size_ = 0;
  size_t signature_len_ = 0;
  char digest_[kNameSize] = "";
  char mgf1_digest_[kNameSize] = "";
  int padding_ = 0;
  int salt_length_ = 0;
};

}  // namespace openssl_event

#endif
