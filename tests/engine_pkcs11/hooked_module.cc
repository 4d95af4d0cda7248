// A PKCS#11 module: SoftHSM's functions, each with a hook before and after.
#include "tests/engine_pkcs11/hooked_module.h"

#include <p11-kit/pkcs11.h>

#include <atomic>

#include "tests/engine_pkcs11/soft_token.h"

namespace {

using Functions = CK_FUNCTION_LIST;
using Hook = void (*)(void* arg, const char* function, bool is_done);

Functions* soft_hsm = nullptr;
Functions functions;
std::atomic<Hook> hook{nullptr};
std::atomic<void*> argument{nullptr};

class Told {
 public:
  explicit Told(const char* function) : function_(function) { tell(false); }
  ~Told() { tell(true); }

 private:
  void tell(bool is_done) const {
    if (const Hook told = hook) told(argument, function_, is_done);
  }
  const char* function_;
};

template <auto Function>
struct Hooked;

template <typename... Arguments, CK_RV (*Functions::*Function)(Arguments...)>
struct Hooked<Function> {
  static inline const char* name;
  static CK_RV call(Arguments... arguments) {
    const Told told(name);
    return (soft_hsm->*Function)(arguments...);
  }
  static void install(const char* its_name) {
    name = its_name;
    functions.*Function = call;
  }
};

void install_hooks() {
#define HOOK(name) Hooked<&Functions::name>::install(#name)
  HOOK(C_Initialize);
  HOOK(C_Finalize);
  HOOK(C_GetInfo);
  HOOK(C_GetSlotList);
  HOOK(C_GetTokenInfo);
  HOOK(C_OpenSession);
  HOOK(C_CloseSession);
  HOOK(C_Login);
  HOOK(C_FindObjectsInit);
  HOOK(C_FindObjects);
  HOOK(C_FindObjectsFinal);
  HOOK(C_SignInit);
  HOOK(C_Sign);
  HOOK(C_DecryptInit);
  HOOK(C_Decrypt);
#undef HOOK
}

}  // namespace

extern "C" {

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list) {
  const Told told("C_GetFunctionList");
  void* library = dlopen(openssl_event::testing::kModule, RTLD_NOW);
  auto* get = library ? reinterpret_cast<CK_C_GetFunctionList>(dlsym(library, "C_GetFunctionList")) : nullptr;
  if (!get || get(&soft_hsm) != CKR_OK) return CKR_GENERAL_ERROR;
  functions = *soft_hsm;
  functions.C_GetFunctionList = C_GetFunctionList;
  install_hooks();
  *list = &functions;
  return CKR_OK;
}
}

extern "C" void openssl_event::testing::hooked_module_tell(Hook told, void* arg) {
  hook = nullptr;
  argument = arg;
  hook = told;
}
