#include "engine_pkcs11/engine_pkcs11.h"

#include <openssl/err.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "engine_pkcs11/key.h"
#include "engine_pkcs11/module_call.h"

using namespace openssl_event::pkcs11;

namespace {

constexpr OPENSSL_ENGINE kEngine = {sizeof(OPENSSL_ENGINE), "pkcs11", Key::call, nullptr, nullptr};

// How long the end of the process waits for calls that other threads are making.
constexpr std::chrono::seconds kPatience{3};

// All keys there are, so that their modules can be finalised at exit.
struct Keys {
  std::mutex mutex;
  std::vector<Key*> all;
};

Keys& keys() {
  static Keys* const kept = new Keys;  // for keys that are freed after main()
  return *kept;
}

void remember(Key* key) {
  const std::lock_guard lock(keys().mutex);
  keys().all.push_back(key);
}

void free_key(void* handle) {
  std::unique_ptr<Key> key(static_cast<Key*>(handle));
  const std::lock_guard lock(keys().mutex);
  std::erase(keys().all, key.get());
}

bool is_supported(const EVP_PKEY* key) {
  for (const char* type : {"RSA", "RSA-PSS", "EC", "ED25519", "ED448"})
    if (key && EVP_PKEY_is_a(key, type)) return true;
  return false;
}

}  // namespace

void openssl_event::pkcs11::close_all_keys() noexcept {
  if (ModuleCall::is_on_this_thread()) return;  // a module ends the process
  const ModuleCall call;
  static const auto deadline = std::chrono::steady_clock::now() + kPatience;  // registered more than once
  const std::lock_guard lock(keys().mutex);
  for (Key* key : keys().all) key->refuse();
  for (Key* key : keys().all) key->close(deadline);
}

EVP_PKEY* openssl_pkcs11Key(const char* uri, EVP_PKEY* public_key) {
  if (!uri || !is_supported(public_key)) {
    ERR_raise_data(ERR_LIB_USER, ERR_R_PASSED_INVALID_ARGUMENT, "pkcs11: no URI, or no RSA, EC or Edwards key");
    return nullptr;
  }
  try {
    auto key = std::make_unique<Key>();
    if (!key->parse(uri)) return nullptr;
    remember(key.get());
    return openssl_engineKey(public_key, &kEngine, key.release(), free_key);
  } catch (const std::bad_alloc&) {
    ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
    return nullptr;
  }
}
