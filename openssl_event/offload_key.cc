#include "openssl_event/offload_key.h"

#include <cstring>
#include <new>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/proverr.h>

#include "openssl_event/offload_provider.h"

namespace openssl_event {

OffloadedKey* OffloadedKey::make(const char* type) noexcept {
  auto* key = new (std::nothrow) OffloadedKey(type);
  if (key == nullptr) ERR_raise(ERR_LIB_PROV, ERR_R_MALLOC_FAILURE);
  return key;
}

bool OffloadedKey::copy_propq(const char* propq) noexcept {
  if (propq == nullptr) return true;
  const size_t size = std::strlen(propq) + 1;
  propq_.reset(new (std::nothrow) char[size]);
  if (propq_ == nullptr) {
    ERR_raise(ERR_LIB_PROV, ERR_R_MALLOC_FAILURE);
    return false;
  }
  std::memcpy(propq_.get(), propq, size);
  return true;
}

bool OffloadedKey::adopt(const OffloadRequest& request) noexcept {
  if (inner_ != nullptr || !copy_propq(request.propq) || !EVP_PKEY_up_ref(request.inner)) return false;
  inner_ = request.inner;
  libctx_ = request.libctx;
  flags_ = request.flags;
  parts_ = OSSL_KEYMGMT_SELECT_KEYPAIR;
  return true;
}

bool OffloadedKey::import_public(int selection, const OSSL_PARAM params[]) noexcept {
  const OffloadLibrary* library = offload_library();
  if (library == nullptr || inner_ != nullptr) return false;
  const bool has_public = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PUB_KEY) != nullptr ||
                          OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_RSA_N) != nullptr;
  const bool takes_public = has_public && (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0;
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(library->context, type_, kOffloadPlainProperties);
  const bool done =
      context != nullptr && EVP_PKEY_fromdata_init(context) > 0 &&
      EVP_PKEY_fromdata(context, &inner_, takes_public ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEY_PARAMETERS,
                        const_cast<OSSL_PARAM*>(params)) > 0;  // reads them only
  EVP_PKEY_CTX_free(context);
  if (!done || !copy_propq(kOffloadPlainProperties)) return false;
  libctx_ = library->context;
  parts_ = takes_public ? OSSL_KEYMGMT_SELECT_PUBLIC_KEY : 0;
  return true;
}

OffloadedKey* OffloadedKey::copy_public(int selection) const noexcept {
  const bool is_empty = (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0 && std::strcmp(type_, "EC") != 0;
  if (is_empty) return make(type_);  // only EC has parameters apart from its keys
  OSSL_PARAM* params = nullptr;
  OffloadedKey* copy = make(type_);
  const bool done = copy != nullptr && inner_ != nullptr && EVP_PKEY_todata(inner_, selection, &params) > 0 &&
                    copy->import_public(selection, params);
  OSSL_PARAM_free(params);
  if (done) return copy;
  if (copy != nullptr) copy->unref();
  return nullptr;
}

bool OffloadedKey::set_params(const OSSL_PARAM params[]) noexcept {
  if (inner_ == nullptr || EVP_PKEY_set_params(inner_, const_cast<OSSL_PARAM*>(params)) <= 0) return false;
  if (OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY) != nullptr)
    parts_ |= OSSL_KEYMGMT_SELECT_PUBLIC_KEY;
  return true;
}

bool OffloadedKey::has(int selection) const noexcept {
  if (inner_ == nullptr) return false;
  if ((selection & OSSL_KEYMGMT_SELECT_KEYPAIR & ~parts_) != 0) return false;
  return (selection & OSSL_KEYMGMT_SELECT_DOMAIN_PARAMETERS) == 0 || !EVP_PKEY_missing_parameters(inner_);
}

bool OffloadedKey::matches(const OffloadedKey& other, int selection) const noexcept {
  if (inner_ == nullptr || other.inner_ == nullptr) return false;
  if (inner_ == other.inner_) return true;
  if ((selection & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0) return EVP_PKEY_eq(inner_, other.inner_) == 1;
  return EVP_PKEY_parameters_eq(inner_, other.inner_) == 1;
}

namespace {

const char* const kTypes[] = {"RSA", "RSA-PSS", "EC", "ED25519", "ED448"};

const char* type_of(const EVP_PKEY* key) noexcept {
  for (const char* type : kTypes)
    if (EVP_PKEY_is_a(key, type)) return type;
  ERR_raise_data(ERR_LIB_PROV, PROV_R_NOT_SUPPORTED, "openssl_offloadKey: no RSA, RSA-PSS, EC, Ed25519 or Ed448 key");
  return nullptr;
}

// Ours behind the EVP_PKEY, borrowed; NULL if that is no offloaded key.
OffloadedKey* offloaded(const EVP_PKEY* key) noexcept {
  if (key == nullptr || !is_offload_provider(EVP_PKEY_get0_provider(key))) return nullptr;
  OffloadedKey* found = nullptr;
  OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(kOffloadedKeyParam, &found, sizeof found),
                         OSSL_PARAM_construct_end()};
  return EVP_PKEY_get_params(key, params) > 0 ? found : nullptr;
}

EVP_PKEY* wrap(const OffloadLibrary& library, const char* type, OffloadRequest& request) noexcept {
  OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(kOffloadRequestParam, &request, sizeof request),
                         OSSL_PARAM_construct_end()};
  EVP_PKEY* key = nullptr;
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(library.context, type, kOffloadProperties);
  if (context == nullptr || EVP_PKEY_fromdata_init(context) <= 0 ||
      EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) <= 0)
    key = nullptr;
  EVP_PKEY_CTX_free(context);
  return key;
}

}  // namespace
}  // namespace openssl_event

EVP_PKEY* openssl_offloadKey(EVP_PKEY* key, OSSL_LIB_CTX* libctx, const char* propq, unsigned int flags) {
  using namespace openssl_event;
  if (key == nullptr || (flags & ~OPENSSL_OFFLOAD_SERIALIZE) != 0) {
    ERR_raise(ERR_LIB_PROV, ERR_R_PASSED_INVALID_ARGUMENT);
    return nullptr;
  }
  const char* type = type_of(key);
  const OffloadLibrary* library = type == nullptr ? nullptr : offload_library();
  if (library == nullptr) return nullptr;
  OffloadRequest request{key, libctx, propq, flags};
  if (const OffloadedKey* wrapped = offloaded(key)) request = wrapped->again(flags);  // one call, not a call in a call
  return wrap(*library, type, request);
}

EVP_PKEY* openssl_offloadedKey(const EVP_PKEY* key) {
  const openssl_event::OffloadedKey* offloaded = openssl_event::offloaded(key);
  return offloaded == nullptr ? nullptr : offloaded->inner();
}
