// Key encapsulation: both sides are operations. Sizes are told in place.
#include <openssl/core_dispatch.h>
#include <openssl/err.h>
#include <openssl/proverr.h>

#include "openssl_event/kem_operations.h"
#include "openssl_event/offload_context.h"
#include "openssl_event/offload_provider.h"

namespace openssl_event {
namespace {

OffloadContext& from(void* context) noexcept { return OffloadContext::from(context); }

bool is_ready(OffloadContext& context) noexcept {
  if (context.inner().pkey() != nullptr) return true;
  ERR_raise(ERR_LIB_PROV, PROV_R_NO_KEY_SET);
  return false;
}

int encapsulate_init(void* context, void* key, const OSSL_PARAM params[]) noexcept {
  return from(context).begin_plain(key) ? EVP_PKEY_encapsulate_init(from(context).inner().pkey(), params) : 0;
}

int encapsulate(void* vcontext, unsigned char* out, size_t* out_len, unsigned char* secret,
                size_t* secret_len) noexcept {
  OffloadContext& context = from(vcontext);
  if (!is_ready(context)) return 0;
  if (out == nullptr) return EVP_PKEY_encapsulate(context.inner().pkey(), nullptr, out_len, nullptr, secret_len);
  if (secret == nullptr || out_len == nullptr || secret_len == nullptr) {
    ERR_raise(ERR_LIB_PROV, ERR_R_PASSED_NULL_PARAMETER);
    return 0;
  }
  return perform_operation(
      context, EncapsulateOperation::make(*context.key(), context.inner()),
      [&](const EncapsulateOperation& made) { return made.copy_result(out, out_len, secret, secret_len); });
}

// Of an engine's key the inner one is public: its context holds the parameters, no more.
int decapsulate_init(void* vcontext, void* key, const OSSL_PARAM params[]) noexcept {
  OffloadContext& context = from(vcontext);
  if (!context.begin_plain(key)) return 0;
  return context.key()->is_engines() ? EVP_PKEY_encapsulate_init(context.inner().pkey(), params)
                                     : EVP_PKEY_decapsulate_init(context.inner().pkey(), params);
}

int decapsulate(void* vcontext, unsigned char* out, size_t* out_len, const unsigned char* in, size_t in_len) noexcept {
  OffloadContext& context = from(vcontext);
  if (!is_ready(context)) return 0;
  if (out_len == nullptr) {
    ERR_raise(ERR_LIB_PROV, ERR_R_PASSED_NULL_PARAMETER);
    return 0;
  }
  if (out == nullptr) {
    *out_len = DecapsulateOperation::secret_size(*context.key(), context.inner(), in, in_len);
    return *out_len != 0;
  }
  return perform_operation(context, DecapsulateOperation::make(*context.key(), context.inner(), in, in_len),
                           [&](const DecapsulateOperation& made) { return made.copy_secret(out, out_len); });
}

const OSSL_DISPATCH* functions() noexcept {
#define ENTRY(NAME, name, function) offload_entry<OSSL_FUNC_kem_##name##_fn>(OSSL_FUNC_KEM_##NAME, function)
  static const OSSL_DISPATCH table[] = {
      ENTRY(NEWCTX, newctx, OffloadContext::create_without_properties),
      OFFLOAD_CONTEXT_ENTRIES(KEM, kem),
      ENTRY(ENCAPSULATE_INIT, encapsulate_init, encapsulate_init),
      ENTRY(ENCAPSULATE, encapsulate, encapsulate),
      ENTRY(DECAPSULATE_INIT, decapsulate_init, decapsulate_init),
      ENTRY(DECAPSULATE, decapsulate, decapsulate),
      kOffloadEnd};
#undef ENTRY
  return table;
}

}  // namespace

const OSSL_ALGORITHM* offload_kem() noexcept {
  static const OSSL_ALGORITHM table[] = {
      {"ML-KEM-512:MLKEM512:id-alg-ml-kem-512:2.16.840.1.101.3.4.4.1", nullptr, functions(), "offloaded ML-KEM-512"},
      {"ML-KEM-768:MLKEM768:id-alg-ml-kem-768:2.16.840.1.101.3.4.4.2", nullptr, functions(), "offloaded ML-KEM-768"},
      {"ML-KEM-1024:MLKEM1024:id-alg-ml-kem-1024:2.16.840.1.101.3.4.4.3", nullptr, functions(),
       "offloaded ML-KEM-1024"},
      {"X25519MLKEM768", nullptr, functions(), "offloaded X25519MLKEM768"},
      {"X448MLKEM1024", nullptr, functions(), "offloaded X448MLKEM1024"},
      {"SecP256r1MLKEM768", nullptr, functions(), "offloaded SecP256r1MLKEM768"},
      {"SecP384r1MLKEM1024", nullptr, functions(), "offloaded SecP384r1MLKEM1024"},
      {nullptr, nullptr, nullptr, nullptr}};
  return table;
}

}  // namespace openssl_event
