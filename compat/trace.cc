#include "compat/trace.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "compat/settings.h"

namespace openssl_event::compat {
namespace {

std::FILE* output() noexcept {
  static std::FILE* const file = [] {
    const char* name = settings().trace;
    if (!name) return static_cast<std::FILE*>(nullptr);
    std::FILE* opened = std::strcmp(name, "stderr") == 0 ? stderr : std::fopen(name, "ae");
    if (!opened) std::fprintf(stderr, "libssl_event_compat: OPENSSL_EVENT_TRACE=%s cannot be written: %s\n", name, std::strerror(errno));
    return opened;
  }();
  return file;
}

}  // namespace

void trace_call(const char* manner, const Event* call) noexcept {
  std::FILE* out = output();
  if (!out) return;
  char text[160];
  openssl_describe(&call->pub, text, sizeof text);
  std::fprintf(out, "%d %s: %s\n", getpid(), manner, text);
  std::fflush(out);
}

void trace_key(const EVP_PKEY* key) noexcept {
  std::FILE* out = output();
  if (!out) return;
  std::fprintf(out, "%d offloaded key: %s-%d\n", getpid(), EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
  std::fflush(out);
}

}  // namespace openssl_event::compat
