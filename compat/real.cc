#include "compat/real.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

namespace openssl_event::compat {

void* look_for_next(const char* name) noexcept { return dlsym(RTLD_NEXT, name); }

void* find_next(const char* name) noexcept {
  if (void* found = look_for_next(name)) return found;
  std::fprintf(stderr, "libssl_event_compat: %s: no libssl behind this library defines it\n", name);
  std::abort();
}

}  // namespace openssl_event::compat
