// SoftHSM behind a module that tells a test before and after each call of a function: there it may wait, count, or end
// the process.
#ifndef TESTS_ENGINE_PKCS11_HOOKED_MODULE_H
#define TESTS_ENGINE_PKCS11_HOOKED_MODULE_H

#include <dlfcn.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>

namespace openssl_event::testing {

// What hooked_module.cc exports beside Cryptoki. nullptr: nobody is told.
extern "C" void hooked_module_tell(void (*hook)(void* arg, const char* function, bool is_done), void* arg);

// At most one at a time; when it ends, no call is being made.
class HookedModule {
 public:
  HookedModule() : path_(realpath(std::getenv("HOOKED_MODULE"), nullptr)), library_(dlopen(path_, RTLD_NOW)) {
    tell(call_hook);
  }
  ~HookedModule() {
    tell(nullptr);
    dlclose(library_);
    std::free(path_);
  }
  HookedModule(const HookedModule&) = delete;
  HookedModule& operator=(const HookedModule&) = delete;

  std::string path() const { return path_; }

  // Set before the module is used. Called on the thread that calls the module, as "C_Sign" or "C_GetFunctionList".
  std::function<void(std::string_view function)> before, after;

 private:
  static void call_hook(void* arg, const char* function, bool is_done) {
    const auto& hook = is_done ? static_cast<HookedModule*>(arg)->after : static_cast<HookedModule*>(arg)->before;
    if (hook) hook(function);
  }
  void tell(void (*hook)(void*, const char*, bool)) {
    reinterpret_cast<decltype(&hooked_module_tell)>(dlsym(library_, "hooked_module_tell"))(hook, this);
  }

  char* path_;
  void* library_;
};

}  // namespace openssl_event::testing

#endif
