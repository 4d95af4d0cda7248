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

int load_same(OSSL_PROVIDER* provider, void* context) noexcept {
  auto* to = static_cast<OSSL_LIB_CTX*>(context);
  const char* name = OSSL_PROVIDER_get0_name(provider);
  return is_offload_provider(provider) || OSSL_PROVIDER_available(to, name) ||
         OSSL_PROVIDER_load(to, name) != nullptr;
}

// The default provider comes by itself to a context that has none, at the first fetch: the first one is here.
bool load_providers(OSSL_LIB_CTX* context, OSSL_LIB_CTX* home, const char* config) noexcept {
  EVP_MD* md = EVP_MD_fetch(home, "SHA256", nullptr);
  EVP_MD_free(md);
  return md != nullptr && (config == nullptr || OSSL_LIB_CTX_load_config(context, config)) &&
         OSSL_PROVIDER_do_all(home, load_same, context);
}

bool interpose(OSSL_LIB_CTX* context, OSSL_LIB_CTX* home, const char* propq) noexcept {
  const bool is_fips = EVP_default_properties_is_fips_enabled(home);
  const char* definition = is_fips ? kOffloadDefinition : kOffloadDefinitionWithoutFips;
  return load_offload_provider(context, {home, propq, true}, definition, true) != nullptr &&
         EVP_set_default_properties(context, is_fips ? kPreferredWithFips : kPreferred);
}

}  // namespace
}  // namespace openssl_event

OSSL_LIB_CTX* openssl_newOffloadContext(OSSL_LIB_CTX* libctx, const char* propq, const char* config) {
  using namespace openssl_event;
  OSSL_LIB_CTX* context = OSSL_LIB_CTX_new();
  if (context != nullptr && load_providers(context, libctx, config) && interpose(context, libctx, propq))
    return context;
  OSSL_LIB_CTX_free(context);
  return nullptr;
}
