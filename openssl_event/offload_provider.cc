#include "openssl_event/offload_provider.h"

#include <atomic>
#include <mutex>
#include <new>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>

namespace openssl_event {
namespace {

const OSSL_ALGORITHM* query(void*, int operation, int* no_store) noexcept {
  *no_store = 0;
  switch (operation) {
    case OSSL_OP_KEYMGMT: return offload_keymgmt();
    case OSSL_OP_SIGNATURE: return offload_signature();
    case OSSL_OP_ASYM_CIPHER: return offload_cipher();
    case OSSL_OP_KEYEXCH: return offload_exchange();
    default: return nullptr;
  }
}

const OSSL_PARAM* gettable_params(void*) noexcept {
  static const OSSL_PARAM params[] = {OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_NAME, nullptr, 0),
                                      OSSL_PARAM_int(OSSL_PROV_PARAM_STATUS, nullptr), OSSL_PARAM_END};
  return params;
}

int get_params(void*, OSSL_PARAM params[]) noexcept {
  OSSL_PARAM* name = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_NAME);
  if (name != nullptr && !OSSL_PARAM_set_utf8_ptr(name, "openssl_event")) return 0;
  OSSL_PARAM* status = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);
  return status == nullptr || OSSL_PARAM_set_int(status, 1);
}

void teardown(void*) noexcept {}

int start(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH*, const OSSL_DISPATCH** functions,
          void** context) noexcept {
  static const OSSL_DISPATCH table[] = {
      offload_entry<OSSL_FUNC_provider_teardown_fn>(OSSL_FUNC_PROVIDER_TEARDOWN, teardown),
      offload_entry<OSSL_FUNC_provider_query_operation_fn>(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
      offload_entry<OSSL_FUNC_provider_gettable_params_fn>(OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, gettable_params),
      offload_entry<OSSL_FUNC_provider_get_params_fn>(OSSL_FUNC_PROVIDER_GET_PARAMS, get_params), kOffloadEnd};
  *functions = table;
  *context = const_cast<OSSL_CORE_HANDLE*>(handle);  // only has to differ from NULL
  return 1;
}

const OffloadLibrary* make_library() noexcept {
  auto* library = new (std::nothrow) OffloadLibrary{OSSL_LIB_CTX_new(), nullptr};
  if (library == nullptr) {
    ERR_raise(ERR_LIB_PROV, ERR_R_MALLOC_FAILURE);
    return nullptr;
  }
  OSSL_LIB_CTX* context = library->context;
  if (context != nullptr && OSSL_PROVIDER_add_builtin(context, "openssl_event", start) &&
      (library->provider = OSSL_PROVIDER_load(context, "openssl_event")) != nullptr &&
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

bool is_offload_provider(const OSSL_PROVIDER* provider) noexcept {
  const OffloadLibrary* library = the_library.load(std::memory_order_acquire);
  return library != nullptr && library->provider == provider;
}

}  // namespace openssl_event
