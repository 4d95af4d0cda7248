#include "openssl_event/offload_context.h"

#include <new>

#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/proverr.h>

namespace openssl_event {

InnerContext::~InnerContext() {
  if (md_ != nullptr)
    EVP_MD_CTX_free(md_);
  else
    EVP_PKEY_CTX_free(pkey_);
}

bool InnerContext::make_plain(const OffloadedKey& key) noexcept {
  *this = InnerContext();
  pkey_ = key.new_context();
  return pkey_ != nullptr;
}

bool InnerContext::make_digest() noexcept {
  *this = InnerContext();
  md_ = EVP_MD_CTX_new();
  // libcrypto has copied our context before it finishes it, where the application may go on: once is enough.
  if (md_ != nullptr) EVP_MD_CTX_set_flags(md_, EVP_MD_CTX_FLAG_FINALISE);
  return md_ != nullptr;
}

bool InnerContext::copy(const InnerContext& other) noexcept {
  if (other.md_ == nullptr) {
    pkey_ = other.pkey_ == nullptr ? nullptr : EVP_PKEY_CTX_dup(other.pkey_);
    return pkey_ != nullptr || other.pkey_ == nullptr;
  }
  if (!make_digest() || !EVP_MD_CTX_copy_ex(md_, other.md_)) return false;
  pkey_ = EVP_MD_CTX_get_pkey_ctx(md_);
  return true;
}

bool InnerContext::copy_digest(const SignTemplates& templates, const char* digest) noexcept {
  if (!templates.copy_to(md_, digest)) return false;
  pkey_ = EVP_MD_CTX_get_pkey_ctx(md_);
  return true;
}

void OffloadContext::set_key(OffloadedKey* key) noexcept {
  if (key != nullptr) key->ref();
  if (key_ != nullptr) key_->unref();
  key_ = key;
}

void OffloadContext::set_peer(OffloadedKey* peer) noexcept {
  if (peer != nullptr) peer->ref();
  if (peer_ != nullptr) peer_->unref();
  peer_ = peer;
}

bool OffloadContext::choose_key(void* key) noexcept {
  if (key != nullptr) set_key(static_cast<OffloadedKey*>(key));
  if (key_ != nullptr && key_->inner() != nullptr) {
    settings_.reset(key_->type());
    exchange_ = {};
    cipher_ = {};
    finished_ = false;
    return true;
  }
  ERR_raise(ERR_LIB_PROV, PROV_R_NO_KEY_SET);
  return false;
}

bool OffloadContext::begin_plain(void* key) noexcept { return choose_key(key) && inner_.make_plain(*key_); }

bool OffloadContext::begin_digest(void* key) noexcept {
  again_ = key == nullptr && inner_.md() != nullptr;
  return choose_key(key) && (again_ || inner_.make_digest());
}

// Properties are the key's, given when it was made: what the caller's context prefers does not reach the real key.
void* OffloadContext::create(void*, const char*) noexcept {
  auto* context = new (std::nothrow) OffloadContext;
  if (context == nullptr) ERR_raise(ERR_LIB_PROV, ERR_R_MALLOC_FAILURE);
  return context;
}

void OffloadContext::destroy(void* context) noexcept { delete static_cast<OffloadContext*>(context); }

void* OffloadContext::dup(void* context) noexcept {
  OffloadContext& original = from(context);
  auto* copy = static_cast<OffloadContext*>(create(nullptr, nullptr));
  if (copy == nullptr) return nullptr;
  copy->set_key(original.key_);
  copy->set_peer(original.peer_);
  copy->settings_ = original.settings_;
  copy->exchange_ = original.exchange_;
  copy->cipher_ = original.cipher_;
  copy->finished_ = original.finished_;
  if (copy->inner_.copy(original.inner_)) return copy;
  delete copy;
  return nullptr;
}

int OffloadContext::get_params(void* context, OSSL_PARAM params[]) noexcept {
  EVP_PKEY_CTX* inner = from(context).inner_.pkey();
  return inner != nullptr && EVP_PKEY_CTX_get_params(inner, params) > 0;
}

int OffloadContext::set_params(void* context, const OSSL_PARAM params[]) noexcept {
  EVP_PKEY_CTX* inner = from(context).inner_.pkey();
  if (inner == nullptr || EVP_PKEY_CTX_set_params(inner, params) <= 0) return 0;
  from(context).note(params);
  return 1;
}

namespace {

const OSSL_PARAM kNone[] = {OSSL_PARAM_END};

const OSSL_PARAM* or_none(const OSSL_PARAM* params) noexcept { return params == nullptr ? kNone : params; }

}  // namespace

const OSSL_PARAM* OffloadContext::gettable_params(void* context, void*) noexcept {
  if (context == nullptr || from(context).inner_.pkey() == nullptr) return kNone;
  return or_none(EVP_PKEY_CTX_gettable_params(from(context).inner_.pkey()));
}

const OSSL_PARAM* OffloadContext::settable_params(void* context, void*) noexcept {
  if (context == nullptr || from(context).inner_.pkey() == nullptr) return kNone;
  return or_none(EVP_PKEY_CTX_settable_params(from(context).inner_.pkey()));
}

}  // namespace openssl_event
