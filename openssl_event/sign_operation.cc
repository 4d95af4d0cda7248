#include "openssl_event/sign_operation.h"

#include <algorithm>
#include <cstring>
#include <new>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/proverr.h>
#include <openssl/rsa.h>

namespace openssl_event {
namespace {

// "SHA2-256", as providers call it, becomes "SHA256", and "SHA2-512/256" "SHA512-256", as OBJ_nid2sn does.
void normalize_digest(char* name) noexcept {
  if (std::strncmp(name, "SHA2-", 5) != 0) return;
  std::memmove(name + 3, name + 5, std::strlen(name + 5) + 1);
  if (char* slash = std::strchr(name, '/')) *slash = '-';
}

// The salt of EMSA-PSS (RFC 8017 9.1.1), of which OpenSSL has special values. When signing, "auto" is the longest one.
int resolve_salt_length(int salt_length, int modulus_bits, int hash_size) noexcept {
  if (salt_length >= 0) return salt_length;
  const int longest = std::max((modulus_bits - 1 + 7) / 8 - hash_size - 2, 0);  // emLen - hLen - 2
  constexpr int kAutoDigestMax = -4;  // RSA_PSS_SALTLEN_AUTO_DIGEST_MAX, since OpenSSL 3.1
  switch (salt_length) {
    case RSA_PSS_SALTLEN_DIGEST: return hash_size;
    case kAutoDigestMax: return std::min(hash_size, longest);
    default: return longest;
  }
}

}  // namespace

SignOperation::SignOperation(OffloadedKey& key, InnerContext& inner) noexcept : key_(key), inner_(std::move(inner)) {
  key_.ref();
}

SignOperation* SignOperation::make(OffloadedKey& key, InnerContext& inner, const unsigned char* tbs,
                                   size_t tbs_len) noexcept {
  auto* operation = new (std::nothrow) SignOperation(key, inner);
  if (operation == nullptr || !operation->allocate(tbs, tbs_len)) {
    ERR_raise(ERR_LIB_PROV, ERR_R_MALLOC_FAILURE);
    if (operation == nullptr) return nullptr;
    inner = operation->release_inner();
    operation->unref();
    return nullptr;
  }
  operation->read_digest();
  operation->read_padding();
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

void SignOperation::read_digest() noexcept {
  if (inner_.md() == nullptr) {
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, digest_, sizeof digest_),
                           OSSL_PARAM_construct_end()};
    if (EVP_PKEY_CTX_get_params(inner_.pkey(), params) <= 0) digest_[0] = '\0';
  } else if (const EVP_MD* md = EVP_MD_CTX_get0_md(inner_.md())) {
    OPENSSL_strlcpy(digest_, EVP_MD_get0_name(md), sizeof digest_);
  }
  normalize_digest(digest_);
}

void SignOperation::read_padding() noexcept {
  if (std::strncmp(key_.type(), "RSA", 3) != 0) return;
  int salt_length = RSA_PSS_SALTLEN_AUTO;
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PAD_MODE, &padding_),
      OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, &salt_length),
      OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, mgf1_digest_, sizeof mgf1_digest_),
      OSSL_PARAM_construct_end()};
  padding_ = RSA_PKCS1_PADDING;
  if (EVP_PKEY_CTX_get_params(inner_.pkey(), params) <= 0 || padding_ != RSA_PKCS1_PSS_PADDING) {
    mgf1_digest_[0] = '\0';
    return;
  }
  if (mgf1_digest_[0] == '\0') std::memcpy(mgf1_digest_, digest_, sizeof digest_);
  normalize_digest(mgf1_digest_);
  const int hash_size = inner_.md() == nullptr ? static_cast<int>(tbs_len_) : EVP_MD_CTX_get_size(inner_.md());
  salt_length_ = resolve_salt_length(salt_length, EVP_PKEY_get_bits(key_.inner()), hash_size);
}

void SignOperation::expose(OPENSSL_ENGINE_CALL& call) noexcept {
  call.optype = OPENSSL_OPERATION_SIGN;
  OPENSSL_SIGN& operands = call.u.s;
  operands.key = key_.inner();
  operands.digest = digest_[0] == '\0' ? nullptr : digest_;
  operands.mgf1_digest = mgf1_digest_[0] == '\0' ? nullptr : mgf1_digest_;
  operands.padding = padding_;
  operands.salt_length = salt_length_;
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
