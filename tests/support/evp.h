// What one does with a key, as functions of a line: for tests that compare two keys.
#ifndef TESTS_SUPPORT_EVP_H
#define TESTS_SUPPORT_EVP_H

#include <functional>
#include <memory>
#include <string>

#include <openssl/evp.h>

namespace openssl_event::testing {

struct FreeDigestContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct FreeKeyContext {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeDigestContext>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeKeyContext>;

// Sets parameters between the initialisation and the operation.
using Adjust = std::function<bool(EVP_PKEY_CTX*)>;

// "" is failure; nothing is left in the error queue. `digest` NULL: the key's own.
std::string sign(EVP_PKEY* key, const char* digest, const std::string& message, const Adjust& adjust = {});
std::string sign_in_pieces(EVP_PKEY* key, const char* digest, const std::string& message, const Adjust& adjust = {});
std::string sign_digest(EVP_PKEY* key, const std::string& hash, const Adjust& adjust = {});

bool verify(EVP_PKEY* key, const char* digest, const std::string& message, const std::string& signature,
            const Adjust& adjust = {});
bool verify_in_pieces(EVP_PKEY* key, const char* digest, const std::string& message, const std::string& signature,
                      const Adjust& adjust = {});
bool verify_digest(EVP_PKEY* key, const std::string& hash, const std::string& signature, const Adjust& adjust = {});
std::string recover_digest(EVP_PKEY* key, const std::string& signature, const Adjust& adjust = {});

std::string encrypt(EVP_PKEY* key, const std::string& text, const Adjust& adjust = {});
std::string decrypt(EVP_PKEY* key, const std::string& text, const Adjust& adjust = {});
std::string derive(EVP_PKEY* key, EVP_PKEY* peer, const Adjust& adjust = {});

std::string hash(const char* digest, const std::string& message);

}  // namespace openssl_event::testing

#endif
