// The derivation of a shared secret as an operation.
#ifndef OPENSSL_EVENT_DERIVE_OPERATION_H
#define OPENSSL_EVENT_DERIVE_OPERATION_H

#include <cstddef>
#include <utility>

#include "openssl_event/offload_context.h"
#include "openssl_event/operation.h"

namespace openssl_event {

class DeriveOperation final : public Operation {
 public:
  // Takes over the inner context, which has the peer set, and references to both keys. `is_padded`: leading zeros of a DH secret stay. NULL with an error raised; then `inner` is untouched.
  static DeriveOperation* make(OffloadedKey& key, OffloadedKey& peer, bool is_padded, InnerContext& inner) noexcept;

  void expose(OPENSSL_ENGINE_CALL& call) noexcept override;
  bool run(OPENSSL_ENGINE_CALL& call) noexcept override;
  bool collect(OPENSSL_ENGINE_CALL& call) noexcept override;

  // After perform() has succeeded: as for SignOperation.
  InnerContext release_inner() noexcept { return std::move(inner_); }
  bool copy_secret(unsigned char* secret, size_t* len, size_t size) const noexcept;

  // How long the secret of an engine's key is, in bytes.
  static size_t full_length(const OffloadedKey& key) noexcept;

 private:
  DeriveOperation(OffloadedKey& key, OffloadedKey& peer, bool is_padded, InnerContext& inner) noexcept;
  ~DeriveOperation() override;
  bool allocate() noexcept;
  void name_group() noexcept;
  void cut_leading_zeros() noexcept;

  OffloadedKey& key_;
  OffloadedKey& peer_;
  InnerContext inner_;
  const bool cuts_zeros_;
  bool done_here_ = false;
  char group_[32] = "";
  unsigned char* peer_bytes_ = nullptr;  // OpenSSL's allocation
  size_t peer_len_ = 0;
  unsigned char* secret_ = nullptr;
  size_t secret_size_ = 0;
  size_t secret_len_ = 0;
};

}  // namespace openssl_event

#endif
