// A library context in which ours stands beside the providers of another one, and is preferred.
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include "openssl_event/offload_provider.h"

namespace openssl_event {
namespace {

// Ours are chosen by these, not by the order in which providers are loaded.
constexpr char kPreferred[] = "?openssl_event.offload=yes";
constexpr char kPreferredWithFips[] = "fips=yes,?openssl_event.offload=yes";

struct Target {
  OSSL_LIB_CTX* context;
  OSSL_PROVIDER* ours;
};

int load_same(OSSL_PROVIDER* provider, void* vtarget) noexcept {
  const auto* target = static_cast<const Target*>(vtarget);
  return is_offload_provider(provider) ||
         load_companion(target->ours, target->context, OSSL_PROVIDER_get0_name(provider));
}

// The default provider comes by itself to a context that has none, at the first fetch: the first one is here.
bool load_providers(const Target& target, OSSL_LIB_CTX* home) noexcept {
  EVP_MD* md = EVP_MD_fetch(home, "SHA256", nullptr);
  EVP_MD_free(md);
  return md != nullptr && OSSL_PROVIDER_do_all(home, load_same, const_cast<Target*>(&target));
}

bool interpose(OSSL_LIB_CTX* context, OSSL_LIB_CTX* home, const char* propq) noexcept {
  const bool is_fips = EVP_default_properties_is_fips_enabled(home);
#if OPENSSL_VERSION_NUMBER >= 0x30400000L
  OSSL_LIB_CTX_set_conf_diagnostics(context, OSSL_LIB_CTX_get_conf_diagnostics(home));
#endif
  const char* definition = is_fips ? kOffloadDefinition : kOffloadDefinitionWithoutFips;
  OSSL_PROVIDER* ours = load_offload_provider(context, {home, propq, true}, definition, true);
  return ours != nullptr && load_providers({context, ours}, home) &&
         EVP_set_default_properties(context, is_fips ? kPreferredWithFips : kPreferred);
}

}  // namespace
}  // namespace openssl_event

OSSL_LIB_CTX* openssl_newOffloadContext(OSSL_LIB_CTX* libctx, const char* propq, const char* config) {
  // The FIPS provider could be loaded a second time without its settings, and would have none of the stricter ones.
  if (config == nullptr && EVP_default_properties_is_fips_enabled(libctx)) {
    ERR_raise_data(ERR_LIB_PROV, ERR_R_PASSED_INVALID_ARGUMENT, "where FIPS is demanded a configuration is needed");
    return nullptr;
  }
  OSSL_LIB_CTX* context = OSSL_LIB_CTX_new();
  if (context != nullptr && (config == nullptr || OSSL_LIB_CTX_load_config(context, config)) &&
      openssl_event::interpose(context, libctx, propq))
    return context;
  openssl_freeOffloadContext(context);
  return nullptr;
}

void openssl_freeOffloadContext(OSSL_LIB_CTX* context) {
  if (context == nullptr) return;
  openssl_event::unload_offload_provider(context);
  OSSL_LIB_CTX_free(context);
}
