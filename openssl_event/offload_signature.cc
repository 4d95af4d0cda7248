// Signatures. What signs or verifies in one call suspends the connection (perform); what libcrypto does in pieces, and
// sizes, works in place.
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/proverr.h>

#include "openssl_event/engine_call.h"
#include "openssl_event/offload_context.h"
#include "openssl_event/offload_provider.h"
#include "openssl_event/sign_operation.h"
#include "openssl_event/verify_operation.h"

namespace openssl_event {
namespace {

OffloadContext& from(void* context) noexcept { return OffloadContext::from(context); }

// What no event can say is done here.
template <typename Made, typename Take>
bool perform_if_expressible(OffloadContext& context, Made* operation, Take take) noexcept {
  if (operation == nullptr || operation->is_expressible()) return perform_operation(context, operation, take);
  return finish_operation(context, operation, run_here(*operation), take);
}

int sign_by_operation(OffloadContext& context, unsigned char* signature, size_t* len, size_t size,
                      const unsigned char* tbs, size_t tbs_len) noexcept {
  return perform_if_expressible(context,
                                SignOperation::make(*context.key(), context.settings(), context.inner(), tbs, tbs_len),
                                [&](const SignOperation& made) { return made.copy_signature(signature, len, size); });
}

int verify_by_operation(OffloadContext& context, const unsigned char* signature, size_t len, const unsigned char* tbs,
                        size_t tbs_len) noexcept {
  return perform_if_expressible(
      context, VerifyOperation::make(*context.key(), context.settings(), context.inner(), signature, len, tbs, tbs_len),
      [](const VerifyOperation& made) { return made.is_valid(); });
}

bool is_ready(OffloadContext& context, bool for_digest) noexcept {
  if (context.is_finished()) {
    ERR_raise(ERR_LIB_EVP, EVP_R_FINAL_ERROR);
    return false;
  }
  if (for_digest ? context.inner().md() != nullptr : context.inner().pkey() != nullptr) return true;
  ERR_raise(ERR_LIB_PROV, PROV_R_NO_KEY_SET);
  return false;
}

int tell_size(OffloadContext& context, size_t* len) noexcept {
  const int size = EVP_PKEY_get_size(context.key()->inner());
  *len = size > 0 ? static_cast<size_t>(size) : 0;
  return size > 0;
}

// ---- Of a digest ----

// Of an engine's key the inner one is public: its context verifies, and holds the parameters.
int sign_init(void* context, void* key, const OSSL_PARAM params[]) noexcept {
  if (!from(context).begin_plain(key)) return 0;
  from(context).note(params);
  return from(context).key()->is_engines() ? EVP_PKEY_verify_init_ex(from(context).inner().pkey(), params)
                                           : EVP_PKEY_sign_init_ex(from(context).inner().pkey(), params);
}

int sign(void* vcontext, unsigned char* signature, size_t* len, size_t size, const unsigned char* tbs,
         size_t tbs_len) noexcept {
  OffloadContext& context = from(vcontext);
  if (!is_ready(context, false)) return 0;
  if (signature == nullptr) return tell_size(context, len);
  return sign_by_operation(context, signature, len, size, tbs, tbs_len);
}

int verify_init(void* context, void* key, const OSSL_PARAM params[]) noexcept {
  if (!from(context).begin_plain(key)) return 0;
  from(context).note(params);
  return EVP_PKEY_verify_init_ex(from(context).inner().pkey(), params);
}

int verify(void* context, const unsigned char* signature, size_t len, const unsigned char* tbs,
           size_t tbs_len) noexcept {
  if (!is_ready(from(context), false)) return 0;
  return verify_by_operation(from(context), signature, len, tbs, tbs_len);
}

int verify_recover_init(void* context, void* key, const OSSL_PARAM params[]) noexcept {
  return from(context).begin_plain(key) ? EVP_PKEY_verify_recover_init_ex(from(context).inner().pkey(), params) : 0;
}

int verify_recover(void* context, unsigned char* out, size_t* len, size_t size, const unsigned char* signature,
                   size_t signature_len) noexcept {
  if (!is_ready(from(context), false)) return 0;
  const OffloadedKey::Turn turn(*from(context).key());
  *len = size;
  return EVP_PKEY_verify_recover(from(context).inner().pkey(), out, len, signature, signature_len);
}

// ---- Of a message ----

int initialize(OffloadContext& context, const char* digest, const OSSL_PARAM params[]) noexcept {
  const auto init = context.key()->is_engines() ? EVP_DigestVerifyInit_ex : EVP_DigestSignInit_ex;
  return init(context.inner().md(), context.inner().pkey_address(), digest, context.key()->libctx(),
              context.key()->propq(), context.key_to_set(), params);
}

int digest_sign_init(void* vcontext, const char* digest, void* key, const OSSL_PARAM params[]) noexcept {
  OffloadContext& context = from(vcontext);
  if (!context.begin_digest(key)) return 0;
  context.note(params);
  const bool is_common = key != nullptr && params == nullptr;
  SignTemplates* templates = is_common ? context.key()->templates() : nullptr;
  if (templates != nullptr && context.inner().copy_digest(*templates, digest)) return 1;
  const int done = initialize(context, digest, params);
  if (templates != nullptr && done > 0) templates->keep(context.inner().md(), digest);
  return done;
}

int digest_sign_update(void* context, const unsigned char* data, size_t len) noexcept {
  return is_ready(from(context), true) ? EVP_DigestSignUpdate(from(context).inner().md(), data, len) : 0;
}

int digest_sign_final(void* context, unsigned char* signature, size_t* len, size_t size) noexcept {
  if (!is_ready(from(context), true)) return 0;
  const OffloadedKey::Turn turn(*from(context).key());
  *len = size;
  return EVP_DigestSignFinal(from(context).inner().md(), signature, len);
}

int digest_sign(void* vcontext, unsigned char* signature, size_t* len, size_t size, const unsigned char* tbs,
                size_t tbs_len) noexcept {
  OffloadContext& context = from(vcontext);
  if (!is_ready(context, true)) return 0;
  if (signature == nullptr) return tell_size(context, len);
  const int done = sign_by_operation(context, signature, len, size, tbs, tbs_len);
  if (done && EVP_MD_CTX_get0_md(context.inner().md()) != nullptr) context.set_finished();
  return done;
}

int digest_verify_init(void* vcontext, const char* digest, void* key, const OSSL_PARAM params[]) noexcept {
  OffloadContext& context = from(vcontext);
  if (!context.begin_digest(key)) return 0;
  context.note(params);
  return EVP_DigestVerifyInit_ex(context.inner().md(), context.inner().pkey_address(), digest, context.key()->libctx(),
                                 context.key()->propq(), context.key_to_set(), params);
}

int digest_verify_update(void* context, const unsigned char* data, size_t len) noexcept {
  return is_ready(from(context), true) ? EVP_DigestVerifyUpdate(from(context).inner().md(), data, len) : 0;
}

int digest_verify_final(void* context, const unsigned char* signature, size_t len) noexcept {
  if (!is_ready(from(context), true)) return 0;
  const OffloadedKey::Turn turn(*from(context).key());
  return EVP_DigestVerifyFinal(from(context).inner().md(), signature, len);
}

int digest_verify(void* context, const unsigned char* signature, size_t len, const unsigned char* tbs,
                  size_t tbs_len) noexcept {
  if (!is_ready(from(context), true)) return 0;
  const int valid = verify_by_operation(from(context), signature, len, tbs, tbs_len);
  if (valid && EVP_MD_CTX_get0_md(from(context).inner().md()) != nullptr) from(context).set_finished();
  return valid;
}

// ---- Parameters of the digest ----

int get_md_params(void* context, OSSL_PARAM params[]) noexcept {
  return from(context).inner().md() != nullptr && EVP_MD_CTX_get_params(from(context).inner().md(), params) > 0;
}

int set_md_params(void* context, const OSSL_PARAM params[]) noexcept {
  return from(context).inner().md() != nullptr && EVP_MD_CTX_set_params(from(context).inner().md(), params) > 0;
}

const OSSL_PARAM* gettable_md_params(void* context) noexcept {
  return from(context).inner().md() == nullptr ? nullptr : EVP_MD_CTX_gettable_params(from(context).inner().md());
}

const OSSL_PARAM* settable_md_params(void* context) noexcept {
  return from(context).inner().md() == nullptr ? nullptr : EVP_MD_CTX_settable_params(from(context).inner().md());
}

const OSSL_DISPATCH* functions() noexcept {
#define ENTRY(NAME, name, function) offload_entry<OSSL_FUNC_signature_##name##_fn>(OSSL_FUNC_SIGNATURE_##NAME, function)
  static const OSSL_DISPATCH table[] = {
      ENTRY(NEWCTX, newctx, OffloadContext::create),
      OFFLOAD_CONTEXT_ENTRIES(SIGNATURE, signature),
      ENTRY(SIGN_INIT, sign_init, sign_init),
      ENTRY(SIGN, sign, sign),
      ENTRY(VERIFY_INIT, verify_init, verify_init),
      ENTRY(VERIFY, verify, verify),
      ENTRY(VERIFY_RECOVER_INIT, verify_recover_init, verify_recover_init),
      ENTRY(VERIFY_RECOVER, verify_recover, verify_recover),
      ENTRY(DIGEST_SIGN_INIT, digest_sign_init, digest_sign_init),
      ENTRY(DIGEST_SIGN_UPDATE, digest_sign_update, digest_sign_update),
      ENTRY(DIGEST_SIGN_FINAL, digest_sign_final, digest_sign_final),
      ENTRY(DIGEST_SIGN, digest_sign, digest_sign),
      ENTRY(DIGEST_VERIFY_INIT, digest_verify_init, digest_verify_init),
      ENTRY(DIGEST_VERIFY_UPDATE, digest_verify_update, digest_verify_update),
      ENTRY(DIGEST_VERIFY_FINAL, digest_verify_final, digest_verify_final),
      ENTRY(DIGEST_VERIFY, digest_verify, digest_verify),
      ENTRY(GET_CTX_MD_PARAMS, get_ctx_md_params, get_md_params),
      ENTRY(GETTABLE_CTX_MD_PARAMS, gettable_ctx_md_params, gettable_md_params),
      ENTRY(SET_CTX_MD_PARAMS, set_ctx_md_params, set_md_params),
      ENTRY(SETTABLE_CTX_MD_PARAMS, settable_ctx_md_params, settable_md_params),
      kOffloadEnd};
#undef ENTRY
  return table;
}

}  // namespace

const OSSL_ALGORITHM* offload_signature() noexcept {
  static const OSSL_ALGORITHM table[] = {
      {"RSA:rsaEncryption:1.2.840.113549.1.1.1", nullptr, functions(), "offloaded RSA"},
      {"ECDSA", nullptr, functions(), "offloaded ECDSA"},
      {"ED25519:1.3.101.112", nullptr, functions(), "offloaded Ed25519"},
      {"ED448:1.3.101.113", nullptr, functions(), "offloaded Ed448"},
      {nullptr, nullptr, nullptr, nullptr}};
  return table;
}

}  // namespace openssl_event
