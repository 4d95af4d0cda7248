#include "openssl_event/decrypt_operation.h"

#include <cstring>
#include <new>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/proverr.h>
#include <openssl/rand.h>

namespace openssl_event {

DecryptOperation::DecryptOperation(OffloadedKey& key, const CipherSettings& settings, InnerContext& inner) noexcept
    : Operation(OPENSSL_OPERATION_DECRYPT, key.handle().engine),
      key_(key),
      settings_(settings),
      inner_(std::move(inner)) {
  key_.ref();
}

DecryptOperation::~DecryptOperation() {
  OPENSSL_clear_free(message_, message_size_);
  OPENSSL_cleanse(premaster_, sizeof premaster_);
  key_.unref();
}

DecryptOperation* DecryptOperation::make(OffloadedKey& key, const CipherSettings& settings, InnerContext& inner,
                                         const unsigned char* ciphertext, size_t len) noexcept {
  auto* operation = new (std::nothrow) DecryptOperation(key, settings, inner);
  return made_or_undone(operation, operation != nullptr && operation->prepare(ciphertext, len), inner);
}

// The random secret is made before anything is known of the message (RFC 5246 7.4.7.1).
bool DecryptOperation::prepare(const unsigned char* ciphertext, size_t len) noexcept {
  const int size = EVP_PKEY_get_size(key_.inner());
  if (size <= 0 || RAND_priv_bytes_ex(key_.libctx(), premaster_, sizeof premaster_, 0) <= 0) return false;
  message_size_ = static_cast<size_t>(size);
  ciphertext_.reset(new (std::nothrow) unsigned char[len + 1]);
  message_ = static_cast<unsigned char*>(OPENSSL_zalloc(message_size_));
  if (ciphertext_ == nullptr || message_ == nullptr) return false;
  if (len != 0) std::memcpy(ciphertext_.get(), ciphertext, len);
  ciphertext_len_ = len;
  return true;
}

void DecryptOperation::expose(OPENSSL_ENGINE_CALL& call) noexcept {
  OPENSSL_DECRYPT& operands = call.u.d;
  operands.key = key_.inner();
  operands.handle = key_.handle().handle;
  operands.ciphertext = ciphertext_.get();
  operands.ciphertext_len = ciphertext_len_;
  operands.message = message_;
  operands.message_size = message_size_;
}

// OpenSSL's own check of padding and version, which answers as this library's does.
bool DecryptOperation::run(OPENSSL_ENGINE_CALL&) noexcept {
  if (key_.is_engines()) {
    ERR_raise_data(ERR_LIB_PROV, PROV_R_NOT_A_PRIVATE_KEY, "the private key is an engine's");
    return false;
  }
  const OffloadedKey::Turn turn(key_);
  size_t len = message_size_;
  if (EVP_PKEY_decrypt(inner_.pkey(), message_, &len, ciphertext_.get(), ciphertext_len_) <= 0 || len != kPremasterSize)
    return false;
  std::memcpy(premaster_, message_, kPremasterSize);
  done_here_ = true;
  return true;
}

bool DecryptOperation::collect(OPENSSL_ENGINE_CALL& call) noexcept {
  if (done_here_) return true;
  const size_t len = call.u.d.message_len == message_size_ ? message_size_ : 0;
  take_premaster(premaster_, message_, len, settings_.client_version, settings_.other_version);
  return true;
}

void DecryptOperation::copy_premaster(unsigned char* out) const noexcept {
  std::memcpy(out, premaster_, kPremasterSize);
}

}  // namespace openssl_event
