#include "openssl_event/sign_operation.h"

#include <cstring>
#include <new>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/proverr.h>

namespace openssl_event {

SignOperation::SignOperation(OffloadedKey& key, const SignSettings& settings, InnerContext& inner) noexcept
    : Operation(OPENSSL_OPERATION_SIGN, key.handle().engine), key_(key), inner_(std::move(inner)), settings_(settings) {
  key_.ref();
}

SignOperation* SignOperation::make(OffloadedKey& key, const SignSettings& settings, InnerContext& inner,
                                   const unsigned char* tbs, size_t tbs_len) noexcept {
  auto* operation = new (std::nothrow) SignOperation(key, settings, inner);
  const bool has_all = operation != nullptr && operation->allocate(tbs, tbs_len);
  if (!made_or_undone(operation, has_all, inner)) return nullptr;
  const EVP_MD* md = operation->inner_.md() == nullptr ? nullptr : EVP_MD_CTX_get0_md(operation->inner_.md());
  operation->settings_.complete(operation->inner_.pkey(), key.inner(), md, tbs_len, false);
  return operation;
}

bool SignOperation::allocate(const unsigned char* tbs, size_t tbs_len) noexcept {
  const int size = EVP_PKEY_get_size(key_.inner());
  if (size <= 0) return false;
  signature_.reset(new (std::nothrow) unsigned char[static_cast<size_t>(size)]);
  tbs_.reset(new (std::nothrow) unsigned char[tbs_len + 1]);  // never of no bytes, so that the operand is never NULL
  if (signature_ == nullptr || tbs_ == nullptr) return false;
  if (tbs_len != 0) std::memcpy(tbs_.get(), tbs, tbs_len);
  tbs_len_ = tbs_len;
  signature_size_ = static_cast<size_t>(size);
  return true;
}

void SignOperation::expose(OPENSSL_ENGINE_CALL& call) noexcept {
  OPENSSL_SIGN& operands = call.u.s;
  operands.key = key_.inner();
  operands.handle = key_.handle().handle;
  operands.digest = settings_.digest_or_null();
  operands.mgf1_digest = settings_.mgf1_digest_or_null();
  operands.padding = settings_.padding;
  operands.salt_length = settings_.salt_length;
  operands.prehashed = inner_.md() == nullptr;
  operands.tbs = tbs_.get();
  operands.tbs_len = tbs_len_;
  operands.signature = signature_.get();
  operands.signature_size = signature_size_;
  operands.signature_len = 0;
}

bool SignOperation::run(OPENSSL_ENGINE_CALL& call) noexcept {
  if (key_.is_engines()) {
    ERR_raise_data(ERR_LIB_PROV, PROV_R_NOT_A_PRIVATE_KEY, "the private key is an engine's");
    return false;
  }
  if (why_ != nullptr) {
    why_->raise();
    return false;
  }
  const OffloadedKey::Turn turn(key_);
  size_t len = signature_size_;
  const int done = inner_.md() != nullptr
                       ? EVP_DigestSign(inner_.md(), signature_.get(), &len, tbs_.get(), tbs_len_)
                       : EVP_PKEY_sign(inner_.pkey(), signature_.get(), &len, tbs_.get(), tbs_len_);
  call.u.s.signature_len = done > 0 ? len : 0;
  return done > 0 || fails();
}

// Who is told of a failure may want to see it himself. A context of OpenSSL's signs but once, even if that fails.
bool SignOperation::fails() noexcept {
  why_.reset(new (std::nothrow) SavedErrors);
  if (why_ != nullptr) why_->raise();
  return false;
}

bool SignOperation::collect(OPENSSL_ENGINE_CALL& call) noexcept {
  // An engine wrote it: a length that cannot be is no signature.
  signature_len_ = call.u.s.signature_len <= signature_size_ ? call.u.s.signature_len : 0;
  if (signature_len_ == 0) ERR_raise(ERR_LIB_PROV, PROV_R_INVALID_SIGNATURE_SIZE);
  return signature_len_ != 0;
}

bool SignOperation::copy_signature(unsigned char* signature, size_t* len, size_t size) const noexcept {
  if (signature_len_ == 0 || signature_len_ > size) {
    ERR_raise(ERR_LIB_PROV, PROV_R_INVALID_SIGNATURE_SIZE);
    return false;
  }
  std::memcpy(signature, signature_.get(), signature_len_);
  *len = signature_len_;
  return true;
}

}  // namespace openssl_event
