#include "openssl_event/offload_generation.h"

#include <new>

#include <openssl/core_dispatch.h>
#include <openssl/err.h>
#include <openssl/params.h>

#include "openssl_event/keygen_operation.h"

namespace openssl_event {

OffloadGeneration* OffloadGeneration::create(const char* type, const OffloadHome& home, int selection,
                                             const OSSL_PARAM params[]) noexcept {
  auto* generation = new (std::nothrow) OffloadGeneration(type, home, selection);
  if (generation != nullptr && generation->set_params(params)) return generation;
  ERR_raise(ERR_LIB_PROV, ERR_R_MALLOC_FAILURE);
  delete generation;
  return nullptr;
}

OffloadGeneration::~OffloadGeneration() {
  if (template_ != nullptr) template_->unref();
  OSSL_PARAM_free(params_);
}

bool OffloadGeneration::set_params(const OSSL_PARAM params[]) noexcept {
  if (params == nullptr || params->key == nullptr) return true;
  OSSL_PARAM* merged = params_ == nullptr ? nullptr : OSSL_PARAM_merge(params_, params);
  OSSL_PARAM* copy = params_ != nullptr && merged == nullptr ? nullptr : OSSL_PARAM_dup(merged ? merged : params);
  OPENSSL_free(merged);  // its entries are the others'
  if (copy == nullptr) return false;
  OSSL_PARAM_free(params_);
  params_ = copy;
  return true;
}

bool OffloadGeneration::set_template(OffloadedKey* key) noexcept {
  if (key->inner() == nullptr) return false;
  key->ref();
  if (template_ != nullptr) template_->unref();
  template_ = key;
  return true;
}

OffloadedKey* OffloadGeneration::generate() noexcept {
  OffloadedKey* key = OffloadedKey::make(type_, home_);
  if (key == nullptr) return nullptr;
  const bool with_keys = (selection_ & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0;
  KeygenOperation* operation = KeygenOperation::make(*key, template_, params_);
  const bool done = operation != nullptr && (with_keys ? perform(*operation) : operation->fill_parameters(*key));
  if (done && with_keys) operation->fill(*key);
  if (operation != nullptr) operation->unref();
  if (done) return key;
  key->unref();
  return nullptr;
}

}  // namespace openssl_event
