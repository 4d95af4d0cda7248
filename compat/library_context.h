// Where a context's algorithms come from, which libssl does not tell: operations on its keys are fetched there too.
#ifndef COMPAT_LIBRARY_CONTEXT_H
#define COMPAT_LIBRARY_CONTEXT_H

#include <openssl/ssl.h>

#include <memory>

namespace openssl_event::compat {

class LibraryContext {
 public:
  // nullptr: the default one, without property queries.
  static const LibraryContext* find(const SSL_CTX* ctx) noexcept;
  // False without memory.
  static bool remember(SSL_CTX* ctx, OSSL_LIB_CTX* context, const char* properties) noexcept;

  OSSL_LIB_CTX* context() const noexcept { return context_; }
  const char* properties() const noexcept { return properties_.get(); }

 private:
  OSSL_LIB_CTX* context_ = nullptr;
  std::unique_ptr<char[]> properties_;
};

}  // namespace openssl_event::compat

#endif
