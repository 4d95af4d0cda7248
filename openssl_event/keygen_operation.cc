#include "openssl_event/keygen_operation.h"

#include <cstring>
#include <new>
#include <utility>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/proverr.h>

namespace openssl_event {

KeygenOperation::KeygenOperation(OffloadedKey& like) noexcept : Operation(OPENSSL_OPERATION_KEYGEN), like_(like) {
  like_.ref();
}

KeygenOperation::~KeygenOperation() {
  EVP_PKEY_free(generated_);
  handle_.end();
  OSSL_PARAM_free(params_);
  if (template_ != nullptr) template_->unref();
  like_.unref();
}

KeygenOperation* KeygenOperation::make(OffloadedKey& key, OffloadedKey* parameters,
                                       const OSSL_PARAM params[]) noexcept {
  auto* operation = new (std::nothrow) KeygenOperation(key);
  if (operation == nullptr || (params != nullptr && (operation->params_ = OSSL_PARAM_dup(params)) == nullptr)) {
    ERR_raise(ERR_LIB_PROV, ERR_R_MALLOC_FAILURE);
    if (operation != nullptr) operation->unref();
    return nullptr;
  }
  if (parameters != nullptr) {
    parameters->ref();
    operation->template_ = parameters;
  }
  operation->name_group();
  return operation;
}

void KeygenOperation::name_group() noexcept {
  const OSSL_PARAM* group = OSSL_PARAM_locate_const(params_, OSSL_PKEY_PARAM_GROUP_NAME);
  char* name = group_;
  ERR_set_mark();
  if (group != nullptr && !OSSL_PARAM_get_utf8_string(group, &name, sizeof group_)) group_[0] = '\0';
  if (group == nullptr && template_ != nullptr &&
      EVP_PKEY_get_group_name(template_->inner(), group_, sizeof group_, nullptr) <= 0)
    group_[0] = '\0';
  ERR_pop_to_mark();
}

void KeygenOperation::expose(OPENSSL_ENGINE_CALL& call) noexcept {
  OPENSSL_KEYGEN& operands = call.u.k;
  operands.type = like_.type();
  operands.group = group_[0] == '\0' ? nullptr : group_;
  operands.parameters = template_ == nullptr ? nullptr : template_->inner();
  operands.public_key = public_;
  operands.public_key_size = sizeof public_;
}

EVP_PKEY* KeygenOperation::generate(bool with_keys) noexcept {
  EVP_PKEY_CTX* context = template_ != nullptr ? template_->new_context()
                                               : EVP_PKEY_CTX_new_from_name(like_.libctx(), like_.type(), like_.propq());
  EVP_PKEY* key = nullptr;
  const bool done = context != nullptr &&
                    (with_keys ? EVP_PKEY_keygen_init(context) : EVP_PKEY_paramgen_init(context)) > 0 &&
                    (params_ == nullptr || EVP_PKEY_CTX_set_params(context, params_) > 0) &&
                    EVP_PKEY_generate(context, &key) > 0;
  EVP_PKEY_CTX_free(context);
  return done ? key : nullptr;
}

bool KeygenOperation::run(OPENSSL_ENGINE_CALL&) noexcept {
  generated_ = generate(true);
  return generated_ != nullptr;
}

bool KeygenOperation::collect(OPENSSL_ENGINE_CALL& call) noexcept {
  if (generated_ != nullptr) return true;
  OPENSSL_KEYGEN& result = call.u.k;
  handle_ = {call.engine, result.handle, result.free_handle};
  result.free_handle = nullptr;
  generated_ = make_public(result.public_key_len);
  return generated_ != nullptr;
}

void KeygenOperation::discard(OPENSSL_ENGINE_CALL& call) noexcept {
  if (call.u.k.free_handle != nullptr) call.u.k.free_handle(call.u.k.handle);
  call.u.k.free_handle = nullptr;
}

EVP_PKEY* KeygenOperation::make_parameters() noexcept {
  if (template_ == nullptr) return generate(false);
  EVP_PKEY* key = EVP_PKEY_new();
  if (key != nullptr && EVP_PKEY_copy_parameters(key, template_->inner()) > 0) return key;
  EVP_PKEY_free(key);
  return nullptr;
}

// Of what an engine gave. The engine has the other half.
EVP_PKEY* KeygenOperation::make_public(size_t len) noexcept {
  EVP_PKEY* key = make_parameters();
  if (key != nullptr && len <= sizeof public_ && EVP_PKEY_set1_encoded_public_key(key, public_, len) > 0) return key;
  EVP_PKEY_free(key);
  ERR_raise_data(ERR_LIB_PROV, PROV_R_INVALID_KEY, "the engine's key is not of the group");
  return nullptr;
}

void KeygenOperation::fill(OffloadedKey& key) noexcept {
  key.adopt_generated(std::exchange(generated_, nullptr), OSSL_KEYMGMT_SELECT_KEYPAIR, std::exchange(handle_, {}));
}

bool KeygenOperation::fill_parameters(OffloadedKey& key) noexcept {
  EVP_PKEY* inner = generate(false);
  if (inner == nullptr) return false;
  key.adopt_generated(inner, 0, {});
  return true;
}

}  // namespace openssl_event
