#include "openssl_event/sign_operation.h"

#include <cstring>
#include <new>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/proverr.h>
#include <openssl/rsa.h>

namespace openssl_event {

SignOperation::SignOperation(OffloadedKey& key, const SignSettings& settings, InnerContext& inner) noexcept
    : key_(key), inner_(std::move(inner)), settings_(settings) {
  key_.ref();
}

SignOperation* SignOperation::make(OffloadedKey& key, const SignSettings& settings, InnerContext& inner,
                                   const unsigned char* tbs, size_t tbs_len) noexcept {
  auto* operation = new (std::nothrow) SignOperation(key, settings, inner);
  if (operation == nullptr || !operation->allocate(tbs, tbs_len)) {
    ERR_raise(ERR_LIB_PROV, ERR_R_MALLOC_FAILURE);
    if (operation == nullptr) return nullptr;
    inner = operation->release_inner();
    operation->unref();
    return nullptr;
  }
  operation->complete_settings();
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

// Makes the names those of the header, and numbers of what is symbolic.
void SignOperation::complete_settings() noexcept {
  settings_.ask(inner_.pkey());
  const EVP_MD* md = inner_.md() == nullptr ? nullptr : EVP_MD_CTX_get0_md(inner_.md());
  if (md != nullptr) OPENSSL_strlcpy(settings_.digest, EVP_MD_get0_name(md), sizeof settings_.digest);
  normalize_digest(settings_.digest);
  if (settings_.padding != RSA_PKCS1_PSS_PADDING) {
    settings_.mgf1_digest[0] = '\0';
    settings_.salt_length = 0;
    return;
  }
  if (settings_.mgf1_digest[0] == '\0') std::memcpy(settings_.mgf1_digest, settings_.digest, sizeof settings_.digest);
  normalize_digest(settings_.mgf1_digest);
  const int hash_size = md == nullptr ? static_cast<int>(tbs_len_) : EVP_MD_get_size(md);
  settings_.salt_length = settings_.salt_bytes(hash_size, EVP_PKEY_get_bits(key_.inner()));
}

void SignOperation::expose(OPENSSL_ENGINE_CALL& call) noexcept {
  call.optype = OPENSSL_OPERATION_SIGN;
  OPENSSL_SIGN& operands = call.u.s;
  operands.key = key_.inner();
  operands.digest = settings_.digest[0] == '\0' ? nullptr : settings_.digest;
  operands.mgf1_digest = settings_.mgf1_digest[0] == '\0' ? nullptr : settings_.mgf1_digest;
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
  const OffloadedKey::Turn turn(key_);
  size_t len = signature_size_;
  const int done = inner_.md() != nullptr
                       ? EVP_DigestSign(inner_.md(), signature_.get(), &len, tbs_.get(), tbs_len_)
                       : EVP_PKEY_sign(inner_.pkey(), signature_.get(), &len, tbs_.get(), tbs_len_);
  call.u.s.signature_len = done > 0 ? len : 0;
  return done > 0;
}

void SignOperation::collect(const OPENSSL_ENGINE_CALL& call) noexcept {
  // An engine wrote it: a length that cannot be is no signature.
  signature_len_ = call.u.s.signature_len <= signature_size_ ? call.u.s.signature_len : 0;
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
