// Both sides of a key encapsulation as operations.
#ifndef OPENSSL_EVENT_KEM_OPERATIONS_H
#define OPENSSL_EVENT_KEM_OPERATIONS_H

#include <cstddef>
#include <memory>
#include <utility>

#include "openssl_event/offload_context.h"
#include "openssl_event/operation.h"

namespace openssl_event {

// A shared secret of fixed length, wiped with it.
class KemSecret {
 public:
  KemSecret() = default;
  KemSecret(const KemSecret&) = delete;
  KemSecret& operator=(const KemSecret&) = delete;
  ~KemSecret();

  bool allocate(size_t size) noexcept;
  unsigned char* data() noexcept { return data_; }
  size_t size() const noexcept { return size_; }
  // False, with an error raised, if there is no room.
  bool copy(unsigned char* secret, size_t* len) const noexcept;

 private:
  unsigned char* data_ = nullptr;
  size_t size_ = 0;
};

class EncapsulateOperation final : public Operation {
 public:
  // Takes over the inner context, and a reference to the key. NULL with an error raised; then `inner` is untouched.
  static EncapsulateOperation* make(OffloadedKey& key, InnerContext& inner) noexcept;

  void expose(OPENSSL_ENGINE_CALL& call) noexcept override;
  bool run(OPENSSL_ENGINE_CALL& call) noexcept override;
  bool collect(OPENSSL_ENGINE_CALL& call) noexcept override;

  // After perform() has succeeded: as for SignOperation.
  InnerContext release_inner() noexcept { return std::move(inner_); }
  bool copy_result(unsigned char* ciphertext, size_t* ciphertext_len, unsigned char* secret,
                   size_t* secret_len) const noexcept;

 private:
  EncapsulateOperation(OffloadedKey& key, InnerContext& inner) noexcept;
  ~EncapsulateOperation() override;
  bool allocate() noexcept;

  OffloadedKey& key_;
  InnerContext inner_;
  unsigned char* peer_ = nullptr;  // OpenSSL's allocation
  size_t peer_len_ = 0;
  std::unique_ptr<unsigned char[]> ciphertext_;
  size_t ciphertext_size_ = 0;
  KemSecret secret_;
};

class DecapsulateOperation final : public Operation {
 public:
  // As EncapsulateOperation::make. The ciphertext is copied.
  static DecapsulateOperation* make(OffloadedKey& key, InnerContext& inner, const unsigned char* ciphertext,
                                    size_t len) noexcept;

  void expose(OPENSSL_ENGINE_CALL& call) noexcept override;
  bool run(OPENSSL_ENGINE_CALL& call) noexcept override;
  bool collect(OPENSSL_ENGINE_CALL& call) noexcept override;

  // After perform() has succeeded: as for SignOperation.
  InnerContext release_inner() noexcept { return std::move(inner_); }
  bool copy_secret(unsigned char* secret, size_t* len) const noexcept { return secret_.copy(secret, len); }

  // How long the secret is, in bytes, by an inner context that is initialised; 0 on failure.
  static size_t secret_size(const OffloadedKey& key, const InnerContext& inner, const unsigned char* ciphertext,
                            size_t len) noexcept;

 private:
  DecapsulateOperation(OffloadedKey& key, InnerContext& inner) noexcept;
  ~DecapsulateOperation() override { key_.unref(); }
  bool prepare(const unsigned char* ciphertext, size_t len) noexcept;

  OffloadedKey& key_;
  InnerContext inner_;
  std::unique_ptr<unsigned char[]> ciphertext_;
  size_t ciphertext_len_ = 0;
  KemSecret secret_;
};

}  // namespace openssl_event

#endif
