#include "openssl_event/offload_provider.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>

namespace openssl_event {
namespace {

constexpr char kName[] = "openssl_event";
constexpr int kMaxAlgorithms = 20;
constexpr int kMaxCompanions = 32;

// The context of one instance.
struct Instance {
  OffloadHome home;
  bool forwards = false;
  std::unique_ptr<char[]> propq;
  OSSL_PROVIDER* companions[kMaxCompanions] = {};
  int companion_count = 0;
  OSSL_ALGORITHM keymgmt[kMaxAlgorithms] = {};
  OSSL_ALGORITHM signature[kMaxAlgorithms] = {};
  OSSL_ALGORITHM cipher[kMaxAlgorithms] = {};
  OSSL_ALGORITHM exchange[kMaxAlgorithms] = {};
  OSSL_ALGORITHM kem[kMaxAlgorithms] = {};

  void define(const char* definition) noexcept {
    define(keymgmt, offload_keymgmt(), definition, is_at_home<EVP_KEYMGMT, EVP_KEYMGMT_fetch, EVP_KEYMGMT_free>);
    define(signature, offload_signature(), definition,
           is_at_home<EVP_SIGNATURE, EVP_SIGNATURE_fetch, EVP_SIGNATURE_free>);
    define(cipher, offload_cipher(), definition,
           is_at_home<EVP_ASYM_CIPHER, EVP_ASYM_CIPHER_fetch, EVP_ASYM_CIPHER_free>);
    define(exchange, offload_exchange(), definition, is_at_home<EVP_KEYEXCH, EVP_KEYEXCH_fetch, EVP_KEYEXCH_free>);
    define(kem, offload_kem(), definition, is_at_home<EVP_KEM, EVP_KEM_fetch, EVP_KEM_free>);
  }

 private:
  using IsAtHome = bool (*)(const OffloadHome& home, const char* name);

  template <typename Method, Method* (*Fetch)(OSSL_LIB_CTX*, const char*, const char*), void (*Free)(Method*)>
  static bool is_at_home(const OffloadHome& home, const char* name) noexcept {
    ERR_set_mark();
    Method* found = Fetch(home.libctx, name, home.propq);
    ERR_pop_to_mark();
    Free(found);
    return found != nullptr;
  }

  // What the home's version of OpenSSL does not have, or its properties (FIPS) exclude, is not there either.
  void define(OSSL_ALGORITHM (&to)[kMaxAlgorithms], const OSSL_ALGORITHM* from, const char* definition,
              IsAtHome is_there) noexcept {
    for (; from->algorithm_names != nullptr; ++from) {
      char first[32] = "";
      std::memcpy(first, from->algorithm_names, std::min(std::strcspn(from->algorithm_names, ":"), sizeof first - 1));
      if (!forwards || is_there(home, first)) add(to, *from, definition);
    }
  }

  static void add(OSSL_ALGORITHM (&to)[kMaxAlgorithms], const OSSL_ALGORITHM& one, const char* definition) noexcept {
    OSSL_ALGORITHM* next = to;
    while (next->algorithm_names != nullptr) ++next;
    *next = {one.algorithm_names, definition, one.implementation, one.algorithm_description};
  }
};

Instance* from(void* context) noexcept { return static_cast<Instance*>(context); }

const OSSL_ALGORITHM* query(void* context, int operation, int* no_store) noexcept {
  *no_store = 0;
  switch (operation) {
    case OSSL_OP_KEYMGMT: return from(context)->keymgmt;
    case OSSL_OP_SIGNATURE: return from(context)->signature;
    case OSSL_OP_ASYM_CIPHER: return from(context)->cipher;
    case OSSL_OP_KEYEXCH: return from(context)->exchange;
    case OSSL_OP_KEM: return from(context)->kem;
    default: return nullptr;
  }
}

// libssl takes a group from the provider that its key manager comes from. Ours come from here.
struct Forwarded {
  const char* capability;
  OSSL_CALLBACK* callback;
  void* argument;
};

int forward_from(OSSL_PROVIDER* provider, void* vforwarded) noexcept {
  const auto* forwarded = static_cast<const Forwarded*>(vforwarded);
  OSSL_PROVIDER_get_capabilities(provider, forwarded->capability, forwarded->callback, forwarded->argument);
  return 1;
}

int get_capabilities(void* context, const char* capability, OSSL_CALLBACK* callback, void* argument) noexcept {
  if (!from(context)->forwards || std::strcmp(capability, "TLS-GROUP") != 0) return 1;
  Forwarded forwarded = {capability, callback, argument};
  return OSSL_PROVIDER_do_all(from(context)->home.libctx, forward_from, &forwarded);
}

const OSSL_PARAM* gettable_params(void*) noexcept {
  static const OSSL_PARAM params[] = {OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_NAME, nullptr, 0),
                                      OSSL_PARAM_int(OSSL_PROV_PARAM_STATUS, nullptr), OSSL_PARAM_END};
  return params;
}

int get_params(void*, OSSL_PARAM params[]) noexcept {
  OSSL_PARAM* name = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_NAME);
  if (name != nullptr && !OSSL_PARAM_set_utf8_ptr(name, kName)) return 0;
  OSSL_PARAM* status = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);
  return status == nullptr || OSSL_PARAM_set_int(status, 1);
}

void teardown(void* context) noexcept { delete from(context); }

// The instance that a load on this thread is for.
thread_local Instance* in_making = nullptr;

int start(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH*, const OSSL_DISPATCH** functions, void** context) noexcept {
  static const OSSL_DISPATCH table[] = {
      offload_entry<OSSL_FUNC_provider_teardown_fn>(OSSL_FUNC_PROVIDER_TEARDOWN, teardown),
      offload_entry<OSSL_FUNC_provider_query_operation_fn>(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
      offload_entry<OSSL_FUNC_provider_get_capabilities_fn>(OSSL_FUNC_PROVIDER_GET_CAPABILITIES, get_capabilities),
      offload_entry<OSSL_FUNC_provider_gettable_params_fn>(OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, gettable_params),
      offload_entry<OSSL_FUNC_provider_get_params_fn>(OSSL_FUNC_PROVIDER_GET_PARAMS, get_params), kOffloadEnd};
  if (in_making == nullptr) return 0;  // by somebody else than load_offload_provider()
  *functions = table;
  *context = std::exchange(in_making, nullptr);
  return 1;
}

std::unique_ptr<Instance> make_instance(const OffloadHome& home, const char* definition, bool forwards) noexcept {
  std::unique_ptr<Instance> instance(new (std::nothrow) Instance);
  if (instance == nullptr) return nullptr;
  instance->home = home;
  instance->forwards = forwards;
  instance->define(definition);
  if (home.propq == nullptr) return instance;
  const size_t size = std::strlen(home.propq) + 1;
  instance->propq.reset(new (std::nothrow) char[size]);
  if (instance->propq == nullptr) return nullptr;
  std::memcpy(instance->propq.get(), home.propq, size);
  instance->home.propq = instance->propq.get();
  return instance;
}

const OffloadLibrary* make_library() noexcept {
  auto* library = new (std::nothrow) OffloadLibrary{OSSL_LIB_CTX_new(), nullptr};
  if (library == nullptr) {
    ERR_raise(ERR_LIB_PROV, ERR_R_MALLOC_FAILURE);
    return nullptr;
  }
  OSSL_LIB_CTX* context = library->context;
  const OffloadHome home{context, kOffloadPlainProperties, false};
  if (context != nullptr &&
      (library->provider = load_offload_provider(context, home, kOffloadDefinition, false)) != nullptr &&
      OSSL_PROVIDER_load(context, "default") != nullptr)
    return library;
  OSSL_LIB_CTX_free(context);
  delete library;
  return nullptr;
}

std::atomic<const OffloadLibrary*> the_library{nullptr};

}  // namespace

const OffloadLibrary* offload_library() noexcept {
  static std::mutex making;
  const OffloadLibrary* library = the_library.load(std::memory_order_acquire);
  if (library != nullptr) return library;
  const std::lock_guard<std::mutex> lock(making);
  library = the_library.load(std::memory_order_relaxed);
  if (library == nullptr) the_library.store(library = make_library(), std::memory_order_release);
  return library;
}

OSSL_PROVIDER* load_offload_provider(OSSL_LIB_CTX* context, const OffloadHome& home, const char* definition,
                                     bool forwards) noexcept {
  std::unique_ptr<Instance> instance = make_instance(home, definition, forwards);
  if (instance == nullptr) {
    ERR_raise(ERR_LIB_PROV, ERR_R_MALLOC_FAILURE);
    return nullptr;
  }
  if (!OSSL_PROVIDER_add_builtin(context, kName, start)) return nullptr;
  in_making = instance.get();
  OSSL_PROVIDER* provider = OSSL_PROVIDER_load(context, kName);
  if (std::exchange(in_making, nullptr) == nullptr) instance.release();  // taken over by start()
  return provider;
}

bool is_offload_provider(const OSSL_PROVIDER* provider) noexcept {
  return provider != nullptr && std::strcmp(OSSL_PROVIDER_get0_name(provider), kName) == 0;
}

bool load_companion(OSSL_PROVIDER* ours, OSSL_LIB_CTX* context, const char* name) noexcept {
  Instance& instance = *from(OSSL_PROVIDER_get0_provider_ctx(ours));
  if (OSSL_PROVIDER_available(context, name)) return true;
  OSSL_PROVIDER* loaded = instance.companion_count < kMaxCompanions ? OSSL_PROVIDER_load(context, name) : nullptr;
  if (loaded != nullptr) instance.companions[instance.companion_count++] = loaded;
  return loaded != nullptr;
}

namespace {

int find_ours(OSSL_PROVIDER* provider, void* found) noexcept {
  if (is_offload_provider(provider)) *static_cast<OSSL_PROVIDER**>(found) = provider;
  return 1;
}

}  // namespace

void unload_offload_provider(OSSL_LIB_CTX* context) noexcept {
  OSSL_PROVIDER* ours = nullptr;
  OSSL_PROVIDER_do_all(context, find_ours, &ours);
  if (ours == nullptr) return;
  Instance& instance = *from(OSSL_PROVIDER_get0_provider_ctx(ours));
  while (instance.companion_count > 0) OSSL_PROVIDER_unload(instance.companions[--instance.companion_count]);
  OSSL_PROVIDER_unload(ours);
}

const OffloadHome& offload_home(void* provider_context) noexcept { return from(provider_context)->home; }

}  // namespace openssl_event
