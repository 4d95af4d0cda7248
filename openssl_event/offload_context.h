// What the provider's contexts of signature, encryption and key exchange have in common: they forward to a context of
// the real key's own provider.
#ifndef OPENSSL_EVENT_OFFLOAD_CONTEXT_H
#define OPENSSL_EVENT_OFFLOAD_CONTEXT_H

#include <utility>

#include <openssl/core.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "openssl_event/offload_key.h"
#include "openssl_event/offload_settings.h"
#include "openssl_event/operation.h"

namespace openssl_event {

// The context of the real key's provider: an EVP_MD_CTX with the EVP_PKEY_CTX in it, or an EVP_PKEY_CTX alone.
class InnerContext {
 public:
  InnerContext() = default;
  InnerContext(InnerContext&& other) noexcept { swap(other); }
  InnerContext& operator=(InnerContext&& other) noexcept {
    InnerContext taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~InnerContext();

  bool make_plain(const OffloadedKey& key) noexcept;
  bool make_digest() noexcept;
  bool copy(const InnerContext& other) noexcept;
  // Fills the digest context from a template. False: there is none.
  bool copy_digest(const SignTemplates& templates, const char* digest) noexcept;

  EVP_PKEY_CTX* pkey() const noexcept { return pkey_; }
  // Where EVP_DigestSignInit_ex leaves the EVP_PKEY_CTX that it makes inside md().
  EVP_PKEY_CTX** pkey_address() noexcept { return &pkey_; }
  EVP_MD_CTX* md() const noexcept { return md_; }

 private:
  void swap(InnerContext& other) noexcept {
    std::swap(md_, other.md_);
    std::swap(pkey_, other.pkey_);
  }

  EVP_MD_CTX* md_ = nullptr;
  EVP_PKEY_CTX* pkey_ = nullptr;  // owned unless there is md_, which owns it
};

// What the make() of an operation returns, which has taken `inner` and has, or lacks, the memory for all of it: without
// it nullptr, with an error raised, and `inner` is again its owner's.
template <typename Made>
Made* made_or_undone(Made* operation, bool has_all, InnerContext& inner) noexcept {
  if (operation != nullptr && has_all) return operation;
  ERR_raise(ERR_LIB_PROV, ERR_R_MALLOC_FAILURE);
  if (operation == nullptr) return nullptr;
  inner = operation->release_inner();
  operation->unref();
  return nullptr;
}

class OffloadContext {
 public:
  OffloadContext() = default;
  OffloadContext(const OffloadContext&) = delete;
  OffloadContext& operator=(const OffloadContext&) = delete;
  ~OffloadContext() {
    set_key(nullptr);
    set_peer(nullptr);
  }

  // Begin an operation: with a new inner context, or, with key NULL, again with the last key. False: there is none, and
  // an error is raised.
  bool begin_plain(void* key) noexcept;
  bool begin_digest(void* key) noexcept;

  OffloadedKey* key() const noexcept { return key_; }
  // Notes what is set, whichever operation it is for.
  void note(const OSSL_PARAM params[]) noexcept {
    settings_.note(params);
    exchange_.note(params);
    cipher_.note(params);
  }
  // Of a key exchange.
  void set_peer(OffloadedKey* peer) noexcept;
  OffloadedKey* peer() const noexcept { return peer_; }
  // The key for EVP_DigestSignInit_ex: NULL to initialise the inner context again, as libcrypto asked of us.
  EVP_PKEY* key_to_set() const noexcept { return again_ ? nullptr : key_->inner(); }
  InnerContext& inner() noexcept { return inner_; }
  const SignSettings& settings() const noexcept { return settings_; }
  const ExchangeSettings& exchange() const noexcept { return exchange_; }
  const CipherSettings& cipher() const noexcept { return cipher_; }
  // The digest has been taken out of the inner context: nothing more can be signed before it is initialised again.
  void set_finished() noexcept { finished_ = true; }
  bool is_finished() const noexcept { return finished_; }

  static void* create(void* provider, const char* propq) noexcept;
  static void* create_without_properties(void* provider) noexcept { return create(provider, nullptr); }
  static void destroy(void* context) noexcept;
  static void* dup(void* context) noexcept;
  static int get_params(void* context, OSSL_PARAM params[]) noexcept;
  static int set_params(void* context, const OSSL_PARAM params[]) noexcept;
  static const OSSL_PARAM* gettable_params(void* context, void* provider) noexcept;
  static const OSSL_PARAM* settable_params(void* context, void* provider) noexcept;

  static OffloadContext& from(void* context) noexcept { return *static_cast<OffloadContext*>(context); }

 private:
  void set_key(OffloadedKey* key) noexcept;
  bool choose_key(void* key) noexcept;

  OffloadedKey* key_ = nullptr;
  OffloadedKey* peer_ = nullptr;
  InnerContext inner_;
  SignSettings settings_;  // of a signature
  ExchangeSettings exchange_;
  CipherSettings cipher_;
  bool again_ = false;
  bool finished_ = false;
};

// After an operation has been performed: `take` copies its result. When it has failed the inner context stays with it,
// since somebody may still be executing the cancelled call: ours is then spent.
template <typename Made, typename Take>
bool finish_operation(OffloadContext& context, Made* operation, bool done, Take take) noexcept {
  if (done) context.inner() = operation->release_inner();
  done = done && take(*operation);
  operation->unref();
  return done;
}

// The same, of what a make() returned.
template <typename Made, typename Take>
bool perform_operation(OffloadContext& context, Made* operation, Take take) noexcept {
  return operation != nullptr && finish_operation(context, operation, perform(*operation), take);
}

// What the dispatch tables have in common: KIND and kind as in OSSL_FUNC_KIND_FREECTX and OSSL_FUNC_kind_freectx_fn.
#define OFFLOAD_CONTEXT_ENTRIES(KIND, kind)                                                            \
  offload_entry<OSSL_FUNC_##kind##_freectx_fn>(OSSL_FUNC_##KIND##_FREECTX, OffloadContext::destroy),   \
      offload_entry<OSSL_FUNC_##kind##_dupctx_fn>(OSSL_FUNC_##KIND##_DUPCTX, OffloadContext::dup),     \
      offload_entry<OSSL_FUNC_##kind##_get_ctx_params_fn>(OSSL_FUNC_##KIND##_GET_CTX_PARAMS,           \
                                                          OffloadContext::get_params),                 \
      offload_entry<OSSL_FUNC_##kind##_gettable_ctx_params_fn>(OSSL_FUNC_##KIND##_GETTABLE_CTX_PARAMS, \
                                                               OffloadContext::gettable_params),       \
      offload_entry<OSSL_FUNC_##kind##_set_ctx_params_fn>(OSSL_FUNC_##KIND##_SET_CTX_PARAMS,           \
                                                          OffloadContext::set_params),                 \
      offload_entry<OSSL_FUNC_##kind##_settable_ctx_params_fn>(OSSL_FUNC_##KIND##_SETTABLE_CTX_PARAMS, \
                                                               OffloadContext::settable_params)

}  // namespace openssl_event

#endif
