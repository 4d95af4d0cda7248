// The built-in provider behind offloaded keys, and the library context in which it lives.
#ifndef OPENSSL_EVENT_OFFLOAD_PROVIDER_H
#define OPENSSL_EVENT_OFFLOAD_PROVIDER_H

#include <openssl/core.h>
#include <openssl/types.h>

#include "openssl_event/offload_key.h"

namespace openssl_event {

// The library's own context: the application's contexts, the default one included, never see the provider. The default
// provider stands beside ours in it, for public halves: as peers, to be compared, and to be encoded (i2d_PUBKEY).
struct OffloadLibrary {
  OSSL_LIB_CTX* context;
  OSSL_PROVIDER* provider;
};

// Made on first use and never torn down, because keys may outlive main(). NULL if it cannot be made; the next call
// tries again. Any thread.
const OffloadLibrary* offload_library() noexcept;

// Loads an instance of the provider, whose algorithms have the properties of `definition`, into a context. With `forwards`,
// it stands for the home: it has what that has, and offers its TLS groups. The home's propq is copied. NULL on failure.
OSSL_PROVIDER* load_offload_provider(OSSL_LIB_CTX* context, const OffloadHome& home, const char* definition,
                                     bool forwards) noexcept;
bool is_offload_provider(const OSSL_PROVIDER* provider) noexcept;

// Loads another provider into ours' context, to be unloaded with it. True if it is there, from before or now.
bool load_companion(OSSL_PROVIDER* ours, OSSL_LIB_CTX* context, const char* name) noexcept;
// Ends what has been loaded into the context by these two: OSSL_LIB_CTX_free would leave it.
void unload_offload_provider(OSSL_LIB_CTX* context) noexcept;

// Where keys of the instance whose context that is are at home.
const OffloadHome& offload_home(void* provider_context) noexcept;

// An SSL_CTX may be made with a property query, which libcrypto applies when it fetches the operations of an offloaded
// key too. Whether a wish for "provider=default" or "fips=yes" comes true, the real key decides: ours answers to both.
inline constexpr char kOffloadDefinition[] = "openssl_event.offload=yes,provider=default,fips=yes";
// Of an interposing instance whose home has no default property fips=yes.
inline constexpr char kOffloadDefinitionWithoutFips[] = "openssl_event.offload=yes,provider=default";
// Queries that tell ours and the default provider's apart, inside our context.
inline constexpr char kOffloadProperties[] = "openssl_event.offload=yes";
inline constexpr char kOffloadPlainProperties[] = "provider=default,openssl_event.offload!=yes";

// Parameters that only this library uses: an OffloadRequest into the key manager, an OffloadedKey* out of it.
inline constexpr char kOffloadRequestParam[] = "openssl_event-request";
inline constexpr char kOffloadedKeyParam[] = "openssl_event-key";

// The provider's operations; each table is terminated as OSSL_FUNC_provider_query_operation requires. The definitions are
// filled in for each instance. An interposing one has what its home has (key encapsulation: OpenSSL 3.5 and later).
const OSSL_ALGORITHM* offload_keymgmt() noexcept;
const OSSL_ALGORITHM* offload_signature() noexcept;
const OSSL_ALGORITHM* offload_cipher() noexcept;
const OSSL_ALGORITHM* offload_exchange() noexcept;
const OSSL_ALGORITHM* offload_kem() noexcept;

// One entry of a dispatch table; F checks that the function has the type that the number promises.
template <typename F>
OSSL_DISPATCH offload_entry(int id, F* function) noexcept {
  return {id, reinterpret_cast<void (*)(void)>(function)};
}
inline constexpr OSSL_DISPATCH kOffloadEnd = {0, nullptr};

}  // namespace openssl_event

#endif
