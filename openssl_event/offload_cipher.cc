// RSA encryption and decryption, in place. What the inner context answers is returned without a look at it: with
// RSA_PKCS1_WITH_TLS_PADDING (RFC 5246 7.4.7.1) whether the padding was good must not show in time.
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>

#include "openssl_event/offload_context.h"
#include "openssl_event/offload_provider.h"

namespace openssl_event {
namespace {

OffloadContext& from(void* context) noexcept { return OffloadContext::from(context); }

int encrypt_init(void* context, void* key, const OSSL_PARAM params[]) noexcept {
  return from(context).begin_plain(key) ? EVP_PKEY_encrypt_init_ex(from(context).inner().pkey(), params) : 0;
}

int encrypt(void* context, unsigned char* out, size_t* out_len, size_t out_size, const unsigned char* in,
            size_t in_len) noexcept {
  if (from(context).inner().pkey() == nullptr) return 0;
  const OffloadedKey::Turn turn(*from(context).key());
  *out_len = out_size;
  return EVP_PKEY_encrypt(from(context).inner().pkey(), out, out_len, in, in_len);
}

int decrypt_init(void* context, void* key, const OSSL_PARAM params[]) noexcept {
  return from(context).begin_plain(key) ? EVP_PKEY_decrypt_init_ex(from(context).inner().pkey(), params) : 0;
}

int decrypt(void* context, unsigned char* out, size_t* out_len, size_t out_size, const unsigned char* in,
            size_t in_len) noexcept {
  if (from(context).inner().pkey() == nullptr) return 0;
  const OffloadedKey::Turn turn(*from(context).key());
  *out_len = out_size;
  return EVP_PKEY_decrypt(from(context).inner().pkey(), out, out_len, in, in_len);
}

const OSSL_DISPATCH* functions() noexcept {
#define ENTRY(NAME, name, function) \
  offload_entry<OSSL_FUNC_asym_cipher_##name##_fn>(OSSL_FUNC_ASYM_CIPHER_##NAME, function)
  static const OSSL_DISPATCH table[] = {
      ENTRY(NEWCTX, newctx, OffloadContext::create_without_properties),
      ENTRY(FREECTX, freectx, OffloadContext::destroy),
      ENTRY(DUPCTX, dupctx, OffloadContext::dup),
      ENTRY(ENCRYPT_INIT, encrypt_init, encrypt_init),
      ENTRY(ENCRYPT, encrypt, encrypt),
      ENTRY(DECRYPT_INIT, decrypt_init, decrypt_init),
      ENTRY(DECRYPT, decrypt, decrypt),
      ENTRY(GET_CTX_PARAMS, get_ctx_params, OffloadContext::get_params),
      ENTRY(GETTABLE_CTX_PARAMS, gettable_ctx_params, OffloadContext::gettable_params),
      ENTRY(SET_CTX_PARAMS, set_ctx_params, OffloadContext::set_params),
      ENTRY(SETTABLE_CTX_PARAMS, settable_ctx_params, OffloadContext::settable_params),
      kOffloadEnd};
#undef ENTRY
  return table;
}

}  // namespace

const OSSL_ALGORITHM* offload_cipher() noexcept {
  static const OSSL_ALGORITHM table[] = {
      {"RSA:rsaEncryption:1.2.840.113549.1.1.1", kOffloadDefinition, functions(), "offloaded RSA"},
      {nullptr, nullptr, nullptr, nullptr}};
  return table;
}

}  // namespace openssl_event
