// A PKCS#11 module: SoftHSM's functions, but that signing waits until it is let.
#include "tests/engine_pkcs11/slow_module.h"

#include <p11-kit/pkcs11.h>

#include <condition_variable>
#include <mutex>

#include "tests/engine_pkcs11/soft_token.h"

namespace {

struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool held = false;
  int waiting = 0;
} gate;

CK_FUNCTION_LIST* soft_hsm = nullptr;
CK_FUNCTION_LIST functions;

CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG_PTR len) {
  {
    std::unique_lock lock(gate.mutex);
    ++gate.waiting;
    gate.changed.notify_all();
    gate.changed.wait(lock, [] { return !gate.held; });
    --gate.waiting;
  }
  return soft_hsm->C_Sign(session, data, data_len, signature, len);
}

}  // namespace

extern "C" {

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list) {
  void* library = dlopen(openssl_event::testing::kModule, RTLD_NOW);
  auto* get = library ? reinterpret_cast<CK_C_GetFunctionList>(dlsym(library, "C_GetFunctionList")) : nullptr;
  if (!get || get(&soft_hsm) != CKR_OK) return CKR_GENERAL_ERROR;
  functions = *soft_hsm;
  functions.C_GetFunctionList = C_GetFunctionList;
  functions.C_Sign = sign;
  *list = &functions;
  return CKR_OK;
}

void slow_module_hold(void) {
  const std::lock_guard lock(gate.mutex);
  gate.held = true;
}

void slow_module_wait_until_it_signs(void) {
  std::unique_lock lock(gate.mutex);
  gate.changed.wait(lock, [] { return gate.waiting > 0; });
}

void slow_module_let_it_sign(void) {
  const std::lock_guard lock(gate.mutex);
  gate.held = false;
  gate.changed.notify_all();
}
}
