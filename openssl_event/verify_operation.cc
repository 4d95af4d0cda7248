#include "openssl_event/verify_operation.h"

#include <cstring>
#include <new>

#include <openssl/err.h>
#include <openssl/evp.h>

namespace openssl_event {

VerifyOperation::VerifyOperation(OffloadedKey& key, const SignSettings& settings, InnerContext& inner) noexcept
    : Operation(OPENSSL_OPERATION_VERIFY), key_(key), inner_(std::move(inner)), settings_(settings) {
  key_.ref();
}

VerifyOperation* VerifyOperation::make(OffloadedKey& key, const SignSettings& settings, InnerContext& inner,
                                       const unsigned char* signature, size_t signature_len, const unsigned char* tbs,
                                       size_t tbs_len) noexcept {
  auto* operation = new (std::nothrow) VerifyOperation(key, settings, inner);
  const bool has_all = operation != nullptr && operation->copy(signature, signature_len, tbs, tbs_len);
  if (!made_or_undone(operation, has_all, inner)) return nullptr;
  const EVP_MD* md = operation->inner_.md() == nullptr ? nullptr : EVP_MD_CTX_get0_md(operation->inner_.md());
  operation->settings_.complete(operation->inner_.pkey(), key.inner(), md, tbs_len, true);
  return operation;
}

bool VerifyOperation::copy(const unsigned char* signature, size_t signature_len, const unsigned char* tbs,
                           size_t tbs_len) noexcept {
  bytes_.reset(new (std::nothrow) unsigned char[signature_len + tbs_len + 1]);  // never of no bytes
  if (bytes_ == nullptr) return false;
  if (signature_len != 0) std::memcpy(bytes_.get(), signature, signature_len);
  if (tbs_len != 0) std::memcpy(bytes_.get() + signature_len, tbs, tbs_len);
  signature_len_ = signature_len;
  tbs_len_ = tbs_len;
  return true;
}

void VerifyOperation::expose(OPENSSL_ENGINE_CALL& call) noexcept {
  OPENSSL_VERIFY& operands = call.u.v;
  operands.key = key_.inner();
  operands.digest = settings_.digest_or_null();
  operands.mgf1_digest = settings_.mgf1_digest_or_null();
  operands.padding = settings_.padding;
  operands.salt_length = settings_.salt_length;
  operands.prehashed = inner_.md() == nullptr;
  operands.tbs = bytes_.get() + signature_len_;
  operands.tbs_len = tbs_len_;
  operands.signature = bytes_.get();
  operands.signature_len = signature_len_;
  operands.valid = 0;
}

bool VerifyOperation::run(OPENSSL_ENGINE_CALL& call) noexcept {
  const OffloadedKey::Turn turn(key_);
  OPENSSL_VERIFY& operands = call.u.v;
  const int valid =
      inner_.md() != nullptr
          ? EVP_DigestVerify(inner_.md(), operands.signature, signature_len_, operands.tbs, tbs_len_)
          : EVP_PKEY_verify(inner_.pkey(), operands.signature, signature_len_, operands.tbs, tbs_len_);
  operands.valid = valid == 1;  // that it is not is a result too, and stays in the error queue as libssl leaves it
  return true;
}

bool VerifyOperation::collect(OPENSSL_ENGINE_CALL& call) noexcept {
  valid_ = call.u.v.valid == 1;
  return true;
}

}  // namespace openssl_event
