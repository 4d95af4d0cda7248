// ECDH with an offloaded EC key, in place.
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>

#include "openssl_event/offload_context.h"
#include "openssl_event/offload_provider.h"

namespace openssl_event {
namespace {

OffloadContext& from(void* context) noexcept { return OffloadContext::from(context); }

int init(void* context, void* key, const OSSL_PARAM params[]) noexcept {
  return from(context).begin_plain(key) ? EVP_PKEY_derive_init_ex(from(context).inner().pkey(), params) : 0;
}

int set_peer(void* context, void* peer) noexcept {
  EVP_PKEY_CTX* inner = from(context).inner().pkey();
  EVP_PKEY* inner_peer = static_cast<OffloadedKey*>(peer)->inner();
  if (inner == nullptr || inner_peer == nullptr) return 0;
  return EVP_PKEY_derive_set_peer_ex(inner, inner_peer, 0);  // libcrypto has validated it, if the caller wanted that
}

int derive(void* context, unsigned char* secret, size_t* len, size_t size) noexcept {
  if (from(context).inner().pkey() == nullptr) return 0;
  const OffloadedKey::Turn turn(*from(context).key());
  *len = size;
  return EVP_PKEY_derive(from(context).inner().pkey(), secret, len);
}

const OSSL_DISPATCH* functions() noexcept {
#define ENTRY(NAME, name, function) offload_entry<OSSL_FUNC_keyexch_##name##_fn>(OSSL_FUNC_KEYEXCH_##NAME, function)
  static const OSSL_DISPATCH table[] = {
      ENTRY(NEWCTX, newctx, OffloadContext::create_without_properties),
      ENTRY(FREECTX, freectx, OffloadContext::destroy),
      ENTRY(DUPCTX, dupctx, OffloadContext::dup),
      ENTRY(INIT, init, init),
      ENTRY(SET_PEER, set_peer, set_peer),
      ENTRY(DERIVE, derive, derive),
      ENTRY(GET_CTX_PARAMS, get_ctx_params, OffloadContext::get_params),
      ENTRY(GETTABLE_CTX_PARAMS, gettable_ctx_params, OffloadContext::gettable_params),
      ENTRY(SET_CTX_PARAMS, set_ctx_params, OffloadContext::set_params),
      ENTRY(SETTABLE_CTX_PARAMS, settable_ctx_params, OffloadContext::settable_params),
      kOffloadEnd};
#undef ENTRY
  return table;
}

}  // namespace

const OSSL_ALGORITHM* offload_exchange() noexcept {
  static const OSSL_ALGORITHM table[] = {{"ECDH", kOffloadDefinition, functions(), "offloaded ECDH"},
                                         {nullptr, nullptr, nullptr, nullptr}};
  return table;
}

}  // namespace openssl_event
