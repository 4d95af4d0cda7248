// RSA encryption and decryption. The decryption of a premaster secret, as libssl wants it, is an operation; everything
// else works in place. What the inner context answers is returned without a look at it: with RSA_PKCS1_WITH_TLS_PADDING
// (RFC 5246 7.4.7.1) whether the padding was good must not show in time.
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/proverr.h>

#include "openssl_event/decrypt_operation.h"
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

// Of an engine's key the inner one is public: its context holds the parameters, no more.
int decrypt_init(void* vcontext, void* key, const OSSL_PARAM params[]) noexcept {
  OffloadContext& context = from(vcontext);
  if (!context.begin_plain(key)) return 0;
  context.note(params);
  return context.key()->is_engines() ? EVP_PKEY_encrypt_init_ex(context.inner().pkey(), params)
                                     : EVP_PKEY_decrypt_init_ex(context.inner().pkey(), params);
}

int decrypt_by_operation(OffloadContext& context, unsigned char* out, size_t out_size, const unsigned char* in,
                         size_t in_len) noexcept {
  if (out_size < kPremasterSize || in_len != static_cast<size_t>(EVP_PKEY_get_size(context.key()->inner()))) {
    ERR_raise(ERR_LIB_PROV, PROV_R_BAD_LENGTH);
    return 0;
  }
  return perform_operation(context,
                           DecryptOperation::make(*context.key(), context.cipher(), context.inner(), in, in_len),
                           [out](const DecryptOperation& made) {
                             made.copy_premaster(out);
                             return true;
                           });
}

int decrypt(void* vcontext, unsigned char* out, size_t* out_len, size_t out_size, const unsigned char* in,
            size_t in_len) noexcept {
  OffloadContext& context = from(vcontext);
  if (context.inner().pkey() == nullptr) return 0;
  if (context.cipher().is_premaster) {
    *out_len = kPremasterSize;
    if (out == nullptr) return 1;
    // Another length is no secret, and is answered as OpenSSL answers it.
    if (context.key()->is_engines() || in_len == static_cast<size_t>(EVP_PKEY_get_size(context.key()->inner())))
      return decrypt_by_operation(context, out, out_size, in, in_len);
  }
  const OffloadedKey::Turn turn(*context.key());
  *out_len = out_size;
  return EVP_PKEY_decrypt(context.inner().pkey(), out, out_len, in, in_len);
}

const OSSL_DISPATCH* functions() noexcept {
#define ENTRY(NAME, name, function) \
  offload_entry<OSSL_FUNC_asym_cipher_##name##_fn>(OSSL_FUNC_ASYM_CIPHER_##NAME, function)
  static const OSSL_DISPATCH table[] = {
      ENTRY(NEWCTX, newctx, OffloadContext::create_without_properties),
      OFFLOAD_CONTEXT_ENTRIES(ASYM_CIPHER, asym_cipher),
      ENTRY(ENCRYPT_INIT, encrypt_init, encrypt_init),
      ENTRY(ENCRYPT, encrypt, encrypt),
      ENTRY(DECRYPT_INIT, decrypt_init, decrypt_init),
      ENTRY(DECRYPT, decrypt, decrypt),
      kOffloadEnd};
#undef ENTRY
  return table;
}

}  // namespace

const OSSL_ALGORITHM* offload_cipher() noexcept {
  static const OSSL_ALGORITHM table[] = {
      {"RSA:rsaEncryption:1.2.840.113549.1.1.1", nullptr, functions(), "offloaded RSA"},
      {nullptr, nullptr, nullptr, nullptr}};
  return table;
}

}  // namespace openssl_event
