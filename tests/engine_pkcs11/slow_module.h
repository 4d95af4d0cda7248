// SoftHSM behind a module whose C_Sign takes as long as a test likes.
#ifndef TESTS_ENGINE_PKCS11_SLOW_MODULE_H
#define TESTS_ENGINE_PKCS11_SLOW_MODULE_H

#include <dlfcn.h>

#include <cstdlib>
#include <string>

namespace openssl_event::testing {

// What slow_module.cc exports beside Cryptoki.
extern "C" {
void slow_module_hold(void);
void slow_module_wait_until_it_signs(void);
void slow_module_let_it_sign(void);
}

// Held from the beginning to let_it_sign(). At most one at a time.
class SlowModule {
 public:
  SlowModule() : path_(realpath(std::getenv("SLOW_MODULE"), nullptr)), library_(dlopen(path_, RTLD_NOW)) { call("slow_module_hold"); }
  ~SlowModule() {
    let_it_sign();
    dlclose(library_);
    std::free(path_);
  }
  SlowModule(const SlowModule&) = delete;
  SlowModule& operator=(const SlowModule&) = delete;

  std::string path() const { return path_; }
  void wait_until_it_signs() { call("slow_module_wait_until_it_signs"); }
  void let_it_sign() { call("slow_module_let_it_sign"); }

 private:
  void call(const char* function) { reinterpret_cast<void (*)()>(dlsym(library_, function))(); }

  char* path_;
  void* library_;
};

}  // namespace openssl_event::testing

#endif
