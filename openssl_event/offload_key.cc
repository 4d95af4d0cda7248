#include "openssl_event/offload_key.h"

#include <cstring>
#include <new>
#include <utility>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/proverr.h>

#include "openssl_event/offload_provider.h"

namespace openssl_event {

OffloadedKey* OffloadedKey::make(const char* type, const OffloadHome& home) noexcept {
  auto* key = new (std::nothrow) OffloadedKey(type);
  if (key == nullptr) {
    ERR_raise(ERR_LIB_PROV, ERR_R_MALLOC_FAILURE);
    return nullptr;
  }
  key->libctx_ = home.libctx;
  key->takes_private_ = home.takes_private;
  if (key->copy_propq(home.propq)) return key;
  key->unref();
  return nullptr;
}

bool OffloadedKey::copy_propq(const char* propq) noexcept {
  propq_.reset();
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

bool OffloadedKey::adopt(OffloadRequest&& request) noexcept {
  if (inner_ != nullptr || !copy_propq(request.propq) || !EVP_PKEY_up_ref(request.inner)) return false;
  inner_ = request.inner;
  libctx_ = request.libctx;
  flags_ = request.flags;
  handle_ = std::exchange(request.handle, {});
  sealed_ = true;
  parts_ = OSSL_KEYMGMT_SELECT_KEYPAIR;
  return true;
}

void OffloadedKey::adopt_generated(EVP_PKEY* inner, int parts, const EngineHandle& handle) noexcept {
  inner_ = inner;
  parts_ = parts;
  handle_ = handle;
}

namespace {

bool is_given(const OSSL_PARAM params[], const char* name, const char* name_for_rsa) noexcept {
  return OSSL_PARAM_locate_const(params, name) != nullptr || OSSL_PARAM_locate_const(params, name_for_rsa) != nullptr;
}

int selection_of(int parts) noexcept {
  if ((parts & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0) return EVP_PKEY_KEYPAIR;
  return parts != 0 ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEY_PARAMETERS;
}

bool has_parameters(const char* type) noexcept {
  return std::strcmp(type, "EC") == 0 || std::strcmp(type, "DH") == 0 || std::strcmp(type, "X25519") == 0 ||
         std::strcmp(type, "X448") == 0;
}

}  // namespace

bool OffloadedKey::import(int selection, const OSSL_PARAM params[]) noexcept {
  if (inner_ != nullptr) return false;
  int parts = is_given(params, OSSL_PKEY_PARAM_PUB_KEY, OSSL_PKEY_PARAM_RSA_N) ? OSSL_KEYMGMT_SELECT_PUBLIC_KEY : 0;
  if (takes_private_ && is_given(params, OSSL_PKEY_PARAM_PRIV_KEY, OSSL_PKEY_PARAM_RSA_D))
    parts |= OSSL_KEYMGMT_SELECT_KEYPAIR;
  parts &= selection;
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(libctx_, type_, propq());
  const bool done = context != nullptr && EVP_PKEY_fromdata_init(context) > 0 &&
                    EVP_PKEY_fromdata(context, &inner_, selection_of(parts),
                                      const_cast<OSSL_PARAM*>(params)) > 0;  // reads them only
  EVP_PKEY_CTX_free(context);
  if (!done) return false;
  parts_ = parts;
  is_share_ = std::strcmp(type_, "DH") == 0;  // which nobody has a certificate of
  return true;
}

OffloadedKey* OffloadedKey::copy_public(int selection) const noexcept {
  const OffloadHome home{libctx_, propq(), takes_private_};
  const bool is_empty = (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0 && !has_parameters(type_);
  OffloadedKey* copy = make(type_, home);
  if (copy == nullptr || is_empty) return copy;
  bool done = false;
  if ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0) {
    done = inner_ != nullptr && (copy->inner_ = EVP_PKEY_new()) != nullptr &&
           EVP_PKEY_copy_parameters(copy->inner_, inner_) > 0;
  } else {
    OSSL_PARAM* params = nullptr;
    done = inner_ != nullptr && EVP_PKEY_todata(inner_, selection, &params) > 0 && copy->import(selection, params);
    OSSL_PARAM_free(params);
  }
  if (done) return copy;
  copy->unref();
  return nullptr;
}

// Of X25519 and X448, whose keys without a public half are nothing.
bool OffloadedKey::make_share(const OSSL_PARAM& encoded) noexcept {
  inner_ = EVP_PKEY_new_raw_public_key_ex(libctx_, type_, propq(), static_cast<const unsigned char*>(encoded.data),
                                          encoded.data_size);
  return inner_ != nullptr;
}

bool OffloadedKey::set_params(const OSSL_PARAM params[]) noexcept {
  const OSSL_PARAM* encoded = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY);
  const bool done = inner_ == nullptr ? encoded != nullptr && make_share(*encoded)
                                      : EVP_PKEY_set_params(inner_, const_cast<OSSL_PARAM*>(params)) > 0;
  if (!done) return false;
  if (encoded != nullptr) {
    is_share_ = (parts_ & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0;
    parts_ |= OSSL_KEYMGMT_SELECT_PUBLIC_KEY;
  }
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

bool OffloadedKey::is_valid() const noexcept {
  if (!unchecked_) return true;
  EVP_PKEY_CTX* context = new_context();
  const bool valid = context != nullptr && EVP_PKEY_public_check(context) > 0;
  EVP_PKEY_CTX_free(context);
  return valid;
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

using namespace openssl_event;

EVP_PKEY* openssl_offloadKey(EVP_PKEY* key, OSSL_LIB_CTX* libctx, const char* propq, unsigned int flags) {
  if (key == nullptr || (flags & ~OPENSSL_OFFLOAD_SERIALIZE) != 0) {
    ERR_raise(ERR_LIB_PROV, ERR_R_PASSED_INVALID_ARGUMENT);
    return nullptr;
  }
  const char* type = type_of(key);
  const OffloadLibrary* library = type == nullptr ? nullptr : offload_library();
  if (library == nullptr) return nullptr;
  const OffloadedKey* wrapped = offloaded(key);
  if (wrapped != nullptr && wrapped->is_engines()) return EVP_PKEY_up_ref(key) ? key : nullptr;
  OffloadRequest request{key, libctx, propq, flags};
  if (wrapped != nullptr) request = wrapped->again(flags);  // one call, not a call in a call
  return wrap(*library, type, request);
}

EVP_PKEY* openssl_engineKey(EVP_PKEY* public_key, const OPENSSL_ENGINE* engine, void* handle,
                            void (*free_handle)(void*)) {
  const char* type = public_key == nullptr || engine == nullptr ? nullptr : type_of(public_key);
  const OffloadLibrary* library = type == nullptr ? nullptr : offload_library();
  OffloadRequest request{public_key, nullptr, nullptr, 0, {engine, handle, free_handle}};
  EVP_PKEY* key = library == nullptr ? nullptr : wrap(*library, type, request);
  request.handle.end();  // unless the key has taken it over
  return key;
}

EVP_PKEY* openssl_offloadedKey(const EVP_PKEY* key) {
  const OffloadedKey* found = offloaded(key);
  return found == nullptr ? nullptr : found->inner();
}
