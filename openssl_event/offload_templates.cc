#include "openssl_event/offload_templates.h"

#include <cstring>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>

namespace openssl_event {
namespace {

const char* or_empty(const char* digest) noexcept { return digest == nullptr ? "" : digest; }

// A context of libcrypto's own providers is memory and nothing else. One of another provider may hold a session with a
// token or a place in a TPM, which must not be held for ever.
bool is_memory_only(const EVP_MD_CTX* context) noexcept {
  const OSSL_PROVIDER* provider = EVP_PKEY_CTX_get0_provider(EVP_MD_CTX_get_pkey_ctx(context));
  const char* name = provider == nullptr ? "" : OSSL_PROVIDER_get0_name(provider);
  return std::strcmp(name, "default") == 0 || std::strcmp(name, "fips") == 0;
}

EVP_MD_CTX* copy_of(const EVP_MD_CTX* context) noexcept {
  EVP_MD_CTX* copy = EVP_MD_CTX_new();
  if (copy != nullptr && EVP_MD_CTX_copy_ex(copy, context)) return copy;
  EVP_MD_CTX_free(copy);
  return nullptr;
}

}  // namespace

SignTemplates::~SignTemplates() {
  for (Template& kept : templates_) EVP_MD_CTX_free(kept.context);
}

const SignTemplates::Template* SignTemplates::find(const char* digest) const noexcept {
  for (const Template& kept : templates_) {
    if (kept.context.load(std::memory_order_acquire) == nullptr) return nullptr;
    if (std::strcmp(kept.digest, or_empty(digest)) == 0) return &kept;
  }
  return nullptr;
}

bool SignTemplates::copy_to(EVP_MD_CTX* context, const char* digest) const noexcept {
  const Template* kept = find(digest);
  if (kept == nullptr) return false;
  ERR_set_mark();
  const bool done = EVP_MD_CTX_copy_ex(context, kept->context.load(std::memory_order_relaxed));
  ERR_pop_to_mark();
  return done;
}

void SignTemplates::keep(const EVP_MD_CTX* context, const char* digest) noexcept {
  if (std::strlen(or_empty(digest)) >= sizeof templates_[0].digest || !is_memory_only(context)) return;
  const std::lock_guard<std::mutex> lock(adding_);
  if (find(digest) != nullptr) return;
  for (Template& kept : templates_) {
    if (kept.context.load(std::memory_order_relaxed) != nullptr) continue;
    ERR_set_mark();
    OPENSSL_strlcpy(kept.digest, or_empty(digest), sizeof kept.digest);
    kept.context.store(copy_of(context), std::memory_order_release);
    ERR_pop_to_mark();
    return;
  }
}

}  // namespace openssl_event
