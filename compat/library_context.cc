#include "compat/library_context.h"

#include <openssl/err.h>

#include <cstring>
#include <new>

#include "compat/modes.h"
#include "compat/observers.h"
#include "compat/offload_context.h"
#include "compat/real.h"
#include "compat/session.h"

namespace openssl_event::compat {
namespace {

void free_with_context(void*, void* library, CRYPTO_EX_DATA*, int, long, void*) noexcept {
  delete static_cast<LibraryContext*>(library);
}

int index() noexcept {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_with_context);
  return index;
}

}  // namespace

const LibraryContext* LibraryContext::find(const SSL_CTX* ctx) noexcept {
  return static_cast<const LibraryContext*>(SSL_CTX_get_ex_data(ctx, index()));
}

bool LibraryContext::remember(SSL_CTX* ctx, bool is_default, const char* properties) noexcept {
  std::unique_ptr<LibraryContext> library(new (std::nothrow) LibraryContext);
  if (!library) return false;
  library->is_default_ = is_default;
  if (properties) {
    const std::size_t size = std::strlen(properties) + 1;
    library->properties_.reset(new (std::nothrow) char[size]);
    if (!library->properties_) return false;
    std::memcpy(library->properties_.get(), properties, size);
  }
  return SSL_CTX_set_ex_data(ctx, index(), library.get()) && library.release();
}

}  // namespace openssl_event::compat

using namespace openssl_event::compat;

namespace {

// Numbers of ex_data are the library context's that is default when they are taken. While libssl reads a configuration
// (SSL_CTX_config) another one may be, which would give a number that is in use already.
void take_indexes(SSL_CTX* ctx) noexcept {
  LibraryContext::find(ctx);
  has_message_callback(ctx);
  is_async(ctx);
  is_padding(ctx);
  Session::take_index();
}

void prepare(SSL_CTX* ctx) noexcept {
  take_indexes(ctx);
  prepare_keylog(ctx);
}

// nullptr, without errors: it is to be made as the program asked for.
SSL_CTX* new_offloading(const SSL_METHOD* method) noexcept {
  OSSL_LIB_CTX* library = offload_context(method);
  if (!library) return nullptr;
  ERR_set_mark();
  SSL_CTX* ctx = real_SSL_CTX_new_ex(library, nullptr, method);
  ctx ? ERR_clear_last_mark() : ERR_pop_to_mark();
  if (ctx) prepare(ctx);
  return ctx;
}

}  // namespace

SSL_CTX* SSL_CTX_new(const SSL_METHOD* method) { return SSL_CTX_new_ex(nullptr, nullptr, method); }

SSL_CTX* SSL_CTX_new_ex(OSSL_LIB_CTX* context, const char* properties, const SSL_METHOD* method) {
  if (!context && !properties)
    if (SSL_CTX* ctx = new_offloading(method)) return ctx;
  SSL_CTX* ctx = real_SSL_CTX_new_ex(context, properties, method);
  if (ctx && (context || properties) && !LibraryContext::remember(ctx, !context, properties)) {
    SSL_CTX_free(ctx);
    return nullptr;
  }
  if (ctx) prepare(ctx);
  return ctx;
}
