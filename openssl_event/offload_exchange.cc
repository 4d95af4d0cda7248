// Key exchange. A plain shared secret, as libssl wants it, is an operation; with a KDF it is derived in place.
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/proverr.h>

#include "openssl_event/derive_operation.h"
#include "openssl_event/offload_context.h"
#include "openssl_event/offload_provider.h"

namespace openssl_event {
namespace {

OffloadContext& from(void* context) noexcept { return OffloadContext::from(context); }

int init(void* vcontext, void* key, const OSSL_PARAM params[]) noexcept {
  OffloadContext& context = from(vcontext);
  if (!context.begin_plain(key)) return 0;
  context.set_peer(nullptr);
  context.note(params);
  return EVP_PKEY_derive_init_ex(context.inner().pkey(), params);
}

int set_peer(void* vcontext, void* vpeer) noexcept {
  OffloadContext& context = from(vcontext);
  auto* peer = static_cast<OffloadedKey*>(vpeer);
  if (context.inner().pkey() == nullptr || peer->inner() == nullptr) return 0;
  context.set_peer(peer);
  // libcrypto has validated it, if the caller wanted that
  return EVP_PKEY_derive_set_peer_ex(context.inner().pkey(), peer->inner(), 0);
}

int derive_by_operation(OffloadContext& context, unsigned char* secret, size_t* len, size_t size) noexcept {
  if (!context.exchange().is_plain) {
    ERR_raise(ERR_LIB_PROV, PROV_R_NOT_SUPPORTED);  // by the engine that has the key
    return 0;
  }
  return perform_operation(
      context, DeriveOperation::make(*context.key(), *context.peer(), context.exchange().is_padded, context.inner()),
      [&](const DeriveOperation& made) { return made.copy_secret(secret, len, size); });
}

int derive(void* vcontext, unsigned char* secret, size_t* len, size_t size) noexcept {
  OffloadContext& context = from(vcontext);
  if (context.inner().pkey() == nullptr || context.peer() == nullptr) {
    ERR_raise(ERR_LIB_PROV, PROV_R_NO_KEY_SET);
    return 0;
  }
  const bool is_engines = context.key()->is_engines();
  if (secret == nullptr && is_engines) {
    *len = DeriveOperation::full_length(*context.key());
    return 1;
  }
  if (secret != nullptr && (context.exchange().is_plain || is_engines))
    return derive_by_operation(context, secret, len, size);
  const OffloadedKey::Turn turn(*context.key());
  *len = size;
  return EVP_PKEY_derive(context.inner().pkey(), secret, len);
}

const OSSL_DISPATCH* functions() noexcept {
#define ENTRY(NAME, name, function) offload_entry<OSSL_FUNC_keyexch_##name##_fn>(OSSL_FUNC_KEYEXCH_##NAME, function)
  static const OSSL_DISPATCH table[] = {
      ENTRY(NEWCTX, newctx, OffloadContext::create_without_properties),
      OFFLOAD_CONTEXT_ENTRIES(KEYEXCH, keyexch),
      ENTRY(INIT, init, init),
      ENTRY(SET_PEER, set_peer, set_peer),
      ENTRY(DERIVE, derive, derive),
      kOffloadEnd};
#undef ENTRY
  return table;
}

}  // namespace

const OSSL_ALGORITHM* offload_exchange() noexcept {
  static const OSSL_ALGORITHM table[] = {
      {"ECDH", nullptr, functions(), "offloaded ECDH"},
      {"X25519:1.3.101.110", nullptr, functions(), "offloaded X25519"},
      {"X448:1.3.101.111", nullptr, functions(), "offloaded X448"},
      {"DH:dhKeyAgreement:1.2.840.113549.1.3.1", nullptr, functions(), "offloaded DH"},
      {nullptr, nullptr, nullptr, nullptr}};
  return table;
}

}  // namespace openssl_event
