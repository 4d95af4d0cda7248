#include "openssl_event/derive_operation.h"

#include <cstring>
#include <new>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/proverr.h>

namespace openssl_event {

DeriveOperation::DeriveOperation(OffloadedKey& key, OffloadedKey& peer, bool is_padded, InnerContext& inner) noexcept
    : Operation(OPENSSL_OPERATION_DERIVE, key.handle().engine),
      key_(key),
      peer_(peer),
      inner_(std::move(inner)),
      cuts_zeros_(!is_padded && std::strcmp(key.type(), "DH") == 0) {
  key_.ref();
  peer_.ref();
}

DeriveOperation::~DeriveOperation() {
  OPENSSL_free(peer_bytes_);
  OPENSSL_clear_free(secret_, secret_size_);
  peer_.unref();
  key_.unref();
}

DeriveOperation* DeriveOperation::make(OffloadedKey& key, OffloadedKey& peer, bool is_padded,
                                       InnerContext& inner) noexcept {
  auto* operation = new (std::nothrow) DeriveOperation(key, peer, is_padded, inner);
  return made_or_undone(operation, operation != nullptr && operation->allocate(), inner);
}

size_t DeriveOperation::full_length(const OffloadedKey& key) noexcept {
  return static_cast<size_t>(EVP_PKEY_get_bits(key.inner()) + 7) / 8;
}

bool DeriveOperation::allocate() noexcept {
  peer_len_ = EVP_PKEY_get1_encoded_public_key(peer_.inner(), &peer_bytes_);
  if (peer_len_ == 0) return false;
  secret_size_ = full_length(key_);
  if (!key_.is_engines() && EVP_PKEY_derive(inner_.pkey(), nullptr, &secret_size_) <= 0) return false;
  secret_ = static_cast<unsigned char*>(OPENSSL_zalloc(secret_size_));
  name_group();
  return secret_ != nullptr;
}

void DeriveOperation::name_group() noexcept {
  if (key_.type()[0] == 'X') return;  // X25519 and X448 are groups
  ERR_set_mark();
  if (EVP_PKEY_get_group_name(key_.inner(), group_, sizeof group_, nullptr) <= 0) group_[0] = '\0';
  ERR_pop_to_mark();
}

void DeriveOperation::expose(OPENSSL_ENGINE_CALL& call) noexcept {
  OPENSSL_DERIVE& operands = call.u.x;
  operands.key = key_.inner();
  operands.handle = key_.handle().handle;
  operands.type = key_.type();
  operands.group = group_[0] == '\0' ? nullptr : group_;
  operands.peer = peer_bytes_;
  operands.peer_len = peer_len_;
  operands.secret = secret_;
  operands.secret_size = secret_size_;
}

bool DeriveOperation::run(OPENSSL_ENGINE_CALL& call) noexcept {
  if (key_.is_engines()) {
    ERR_raise_data(ERR_LIB_PROV, PROV_R_NOT_A_PRIVATE_KEY, "the private key is with the engine that made it");
    return false;
  }
  const OffloadedKey::Turn turn(key_);
  size_t len = secret_size_;
  if (!peer_.is_valid() || EVP_PKEY_derive(inner_.pkey(), secret_, &len) <= 0) return false;
  call.u.x.secret_len = len;
  done_here_ = true;
  return true;
}

void DeriveOperation::cut_leading_zeros() noexcept {
  size_t zeros = 0;
  while (zeros < secret_len_ && secret_[zeros] == 0) ++zeros;
  std::memmove(secret_, secret_ + zeros, secret_len_ - zeros);
  secret_len_ -= zeros;
}

bool DeriveOperation::collect(OPENSSL_ENGINE_CALL& call) noexcept {
  secret_len_ = call.u.x.secret_len;
  if (done_here_) return true;
  if (secret_len_ != secret_size_) {  // an engine wrote it: what has another length is no secret
    ERR_raise(ERR_LIB_PROV, PROV_R_BAD_LENGTH);
    return false;
  }
  if (cuts_zeros_) cut_leading_zeros();  // RFC 5246 8.1.2
  return true;
}

bool DeriveOperation::copy_secret(unsigned char* secret, size_t* len, size_t size) const noexcept {
  if (secret_len_ == 0 || secret_len_ > size) {
    ERR_raise(ERR_LIB_PROV, PROV_R_BAD_LENGTH);
    return false;
  }
  std::memcpy(secret, secret_, secret_len_);
  *len = secret_len_;
  return true;
}

}  // namespace openssl_event
