#include "openssl_event/kem_operations.h"

#include <cstring>
#include <new>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/proverr.h>

namespace openssl_event {

KemSecret::~KemSecret() { OPENSSL_clear_free(data_, size_); }

bool KemSecret::allocate(size_t size) noexcept {
  data_ = static_cast<unsigned char*>(OPENSSL_zalloc(size));
  size_ = size;
  return data_ != nullptr;
}

bool KemSecret::copy(unsigned char* secret, size_t* len) const noexcept {
  if (*len < size_) {
    ERR_raise(ERR_LIB_PROV, PROV_R_OUTPUT_BUFFER_TOO_SMALL);
    return false;
  }
  std::memcpy(secret, data_, size_);
  *len = size_;
  return true;
}

namespace {

// An engine wrote it: what has another length is no secret.
bool is_full(size_t len, size_t size) noexcept {
  if (len != size) ERR_raise(ERR_LIB_PROV, PROV_R_BAD_LENGTH);
  return len == size;
}

}  // namespace

// ---- Encapsulation ----

EncapsulateOperation::EncapsulateOperation(OffloadedKey& key, InnerContext& inner) noexcept
    : Operation(OPENSSL_OPERATION_ENCAPSULATE), key_(key), inner_(std::move(inner)) {
  key_.ref();
}

EncapsulateOperation::~EncapsulateOperation() {
  OPENSSL_free(peer_);
  key_.unref();
}

EncapsulateOperation* EncapsulateOperation::make(OffloadedKey& key, InnerContext& inner) noexcept {
  auto* operation = new (std::nothrow) EncapsulateOperation(key, inner);
  return made_or_undone(operation, operation != nullptr && operation->allocate(), inner);
}

bool EncapsulateOperation::allocate() noexcept {
  size_t secret_size = 0;
  if (EVP_PKEY_encapsulate(inner_.pkey(), nullptr, &ciphertext_size_, nullptr, &secret_size) <= 0) return false;
  peer_len_ = EVP_PKEY_get1_encoded_public_key(key_.inner(), &peer_);
  ciphertext_.reset(new (std::nothrow) unsigned char[ciphertext_size_]);
  return peer_len_ != 0 && ciphertext_ != nullptr && secret_.allocate(secret_size);
}

void EncapsulateOperation::expose(OPENSSL_ENGINE_CALL& call) noexcept {
  OPENSSL_ENCAPSULATE& operands = call.u.n;
  operands.key = key_.inner();
  operands.type = key_.type();
  operands.peer = peer_;
  operands.peer_len = peer_len_;
  operands.ciphertext = ciphertext_.get();
  operands.ciphertext_size = ciphertext_size_;
  operands.secret = secret_.data();
  operands.secret_size = secret_.size();
}

bool EncapsulateOperation::run(OPENSSL_ENGINE_CALL& call) noexcept {
  const OffloadedKey::Turn turn(key_);
  OPENSSL_ENCAPSULATE& result = call.u.n;
  result.ciphertext_len = ciphertext_size_;
  result.secret_len = secret_.size();
  return key_.is_valid() && EVP_PKEY_encapsulate(inner_.pkey(), ciphertext_.get(), &result.ciphertext_len,
                                                 secret_.data(), &result.secret_len) > 0;
}

bool EncapsulateOperation::collect(OPENSSL_ENGINE_CALL& call) noexcept {
  return is_full(call.u.n.ciphertext_len, ciphertext_size_) && is_full(call.u.n.secret_len, secret_.size());
}

bool EncapsulateOperation::copy_result(unsigned char* ciphertext, size_t* ciphertext_len, unsigned char* secret,
                                       size_t* secret_len) const noexcept {
  if (*ciphertext_len < ciphertext_size_) {
    ERR_raise(ERR_LIB_PROV, PROV_R_OUTPUT_BUFFER_TOO_SMALL);
    return false;
  }
  std::memcpy(ciphertext, ciphertext_.get(), ciphertext_size_);
  *ciphertext_len = ciphertext_size_;
  return secret_.copy(secret, secret_len);
}

// ---- Decapsulation ----

DecapsulateOperation::DecapsulateOperation(OffloadedKey& key, InnerContext& inner) noexcept
    : Operation(OPENSSL_OPERATION_DECAPSULATE, key.handle().engine), key_(key), inner_(std::move(inner)) {
  key_.ref();
}

DecapsulateOperation* DecapsulateOperation::make(OffloadedKey& key, InnerContext& inner,
                                                 const unsigned char* ciphertext, size_t len) noexcept {
  auto* operation = new (std::nothrow) DecapsulateOperation(key, inner);
  return made_or_undone(operation, operation != nullptr && operation->prepare(ciphertext, len), inner);
}

// Of an engine's key the public half tells.
size_t DecapsulateOperation::secret_size(const OffloadedKey& key, const InnerContext& inner,
                                         const unsigned char* ciphertext, size_t len) noexcept {
  size_t size = 0, ciphertext_size = 0;
  const int told = key.is_engines() ? EVP_PKEY_encapsulate(inner.pkey(), nullptr, &ciphertext_size, nullptr, &size)
                                    : EVP_PKEY_decapsulate(inner.pkey(), nullptr, &size, ciphertext, len);
  return told > 0 ? size : 0;
}

bool DecapsulateOperation::prepare(const unsigned char* ciphertext, size_t len) noexcept {
  const size_t size = secret_size(key_, inner_, ciphertext, len);
  if (size == 0 || !secret_.allocate(size)) return false;
  ciphertext_.reset(new (std::nothrow) unsigned char[len + 1]);
  if (ciphertext_ == nullptr) return false;
  if (len != 0) std::memcpy(ciphertext_.get(), ciphertext, len);
  ciphertext_len_ = len;
  return true;
}

void DecapsulateOperation::expose(OPENSSL_ENGINE_CALL& call) noexcept {
  OPENSSL_DECAPSULATE& operands = call.u.p;
  operands.key = key_.inner();
  operands.handle = key_.handle().handle;
  operands.type = key_.type();
  operands.ciphertext = ciphertext_.get();
  operands.ciphertext_len = ciphertext_len_;
  operands.secret = secret_.data();
  operands.secret_size = secret_.size();
}

bool DecapsulateOperation::run(OPENSSL_ENGINE_CALL& call) noexcept {
  if (key_.is_engines()) {
    ERR_raise_data(ERR_LIB_PROV, PROV_R_NOT_A_PRIVATE_KEY, "the private key is with the engine that made it");
    return false;
  }
  const OffloadedKey::Turn turn(key_);
  call.u.p.secret_len = secret_.size();
  return EVP_PKEY_decapsulate(inner_.pkey(), secret_.data(), &call.u.p.secret_len, ciphertext_.get(), ciphertext_len_) >
         0;
}

bool DecapsulateOperation::collect(OPENSSL_ENGINE_CALL& call) noexcept {
  return is_full(call.u.p.secret_len, secret_.size());
}

}  // namespace openssl_event
