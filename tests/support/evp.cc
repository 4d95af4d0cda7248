#include "tests/support/evp.h"

#include <openssl/err.h>

namespace openssl_event::testing {
namespace {

constexpr size_t kLargest = 1024;  // of signatures, ciphertexts and secrets

const unsigned char* bytes(const std::string& text) { return reinterpret_cast<const unsigned char*>(text.data()); }

bool apply(const Adjust& adjust, EVP_PKEY_CTX* context) { return !adjust || adjust(context); }

// Calls an operation of (out, &len), and gives what it wrote.
template <typename F>
std::string collect(F operation) {
  std::string out(kLargest, '\0');
  size_t len = out.size();
  const bool done = operation(reinterpret_cast<unsigned char*>(out.data()), &len);
  ERR_clear_error();
  out.resize(done ? len : 0);
  return out;
}

DigestContext begin_signing(EVP_PKEY* key, const char* digest, const Adjust& adjust) {
  DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* inner = nullptr;
  if (!context || EVP_DigestSignInit_ex(context.get(), &inner, digest, nullptr, nullptr, key, nullptr) <= 0)
    return nullptr;
  return apply(adjust, inner) ? std::move(context) : nullptr;
}

DigestContext begin_verifying(EVP_PKEY* key, const char* digest, const Adjust& adjust) {
  DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* inner = nullptr;
  if (!context || EVP_DigestVerifyInit_ex(context.get(), &inner, digest, nullptr, nullptr, key, nullptr) <= 0)
    return nullptr;
  return apply(adjust, inner) ? std::move(context) : nullptr;
}

KeyContext begin(EVP_PKEY* key, int (*init)(EVP_PKEY_CTX*), const Adjust& adjust) {
  KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  return init(context.get()) > 0 && apply(adjust, context.get()) ? std::move(context) : nullptr;
}

}  // namespace

std::string sign(EVP_PKEY* key, const char* digest, const std::string& message, const Adjust& adjust) {
  const DigestContext context = begin_signing(key, digest, adjust);
  return collect([&](unsigned char* out, size_t* len) {
    return context && EVP_DigestSign(context.get(), out, len, bytes(message), message.size()) > 0;
  });
}

std::string sign_in_pieces(EVP_PKEY* key, const char* digest, const std::string& message, const Adjust& adjust) {
  const DigestContext context = begin_signing(key, digest, adjust);
  return collect([&](unsigned char* out, size_t* len) {
    if (!context) return false;
    for (const char& c : message)
      if (EVP_DigestSignUpdate(context.get(), &c, 1) <= 0) return false;
    return EVP_DigestSignFinal(context.get(), out, len) > 0;
  });
}

std::string sign_digest(EVP_PKEY* key, const std::string& hash, const Adjust& adjust) {
  const KeyContext context = begin(key, EVP_PKEY_sign_init, adjust);
  return collect([&](unsigned char* out, size_t* len) {
    return context && EVP_PKEY_sign(context.get(), out, len, bytes(hash), hash.size()) > 0;
  });
}

bool verify(EVP_PKEY* key, const char* digest, const std::string& message, const std::string& signature,
            const Adjust& adjust) {
  const DigestContext context = begin_verifying(key, digest, adjust);
  const bool valid = context && EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(message),
                                                 message.size()) == 1;
  ERR_clear_error();
  return valid;
}

bool verify_in_pieces(EVP_PKEY* key, const char* digest, const std::string& message, const std::string& signature,
                      const Adjust& adjust) {
  const DigestContext context = begin_verifying(key, digest, adjust);
  bool valid = context != nullptr;
  for (const char& c : message) valid = valid && EVP_DigestVerifyUpdate(context.get(), &c, 1) > 0;
  valid = valid && EVP_DigestVerifyFinal(context.get(), bytes(signature), signature.size()) == 1;
  ERR_clear_error();
  return valid;
}

bool verify_digest(EVP_PKEY* key, const std::string& hash, const std::string& signature, const Adjust& adjust) {
  const KeyContext context = begin(key, EVP_PKEY_verify_init, adjust);
  const bool valid = context && EVP_PKEY_verify(context.get(), bytes(signature), signature.size(), bytes(hash),
                                                hash.size()) == 1;
  ERR_clear_error();
  return valid;
}

std::string recover_digest(EVP_PKEY* key, const std::string& signature, const Adjust& adjust) {
  const KeyContext context = begin(key, EVP_PKEY_verify_recover_init, adjust);
  return collect([&](unsigned char* out, size_t* len) {
    return context && EVP_PKEY_verify_recover(context.get(), out, len, bytes(signature), signature.size()) > 0;
  });
}

std::string encrypt(EVP_PKEY* key, const std::string& text, const Adjust& adjust) {
  const KeyContext context = begin(key, EVP_PKEY_encrypt_init, adjust);
  return collect([&](unsigned char* out, size_t* len) {
    return context && EVP_PKEY_encrypt(context.get(), out, len, bytes(text), text.size()) > 0;
  });
}

std::string decrypt(EVP_PKEY* key, const std::string& text, const Adjust& adjust) {
  const KeyContext context = begin(key, EVP_PKEY_decrypt_init, adjust);
  return collect([&](unsigned char* out, size_t* len) {
    return context && EVP_PKEY_decrypt(context.get(), out, len, bytes(text), text.size()) > 0;
  });
}

std::string derive(EVP_PKEY* key, EVP_PKEY* peer, const Adjust& adjust) {
  const KeyContext context = begin(key, EVP_PKEY_derive_init, adjust);
  return collect([&](unsigned char* out, size_t* len) {
    return context && EVP_PKEY_derive_set_peer(context.get(), peer) > 0 &&
           EVP_PKEY_derive(context.get(), out, len) > 0;
  });
}

std::string hash(const char* digest, const std::string& message) {
  return collect([&](unsigned char* out, size_t* len) {
    return EVP_Q_digest(nullptr, digest, nullptr, message.data(), message.size(), out, len) > 0;
  });
}

}  // namespace openssl_event::testing
