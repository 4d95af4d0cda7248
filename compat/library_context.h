// Where a context's algorithms come from, which libssl does not tell.
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
  static bool remember(SSL_CTX* ctx, bool is_default, const char* properties) noexcept;

  bool is_default() const noexcept { return is_default_; }
  // With which operations on its keys are fetched too.
  const char* properties() const noexcept { return properties_.get(); }

 private:
  bool is_default_ = true;
  std::unique_ptr<char[]> properties_;
};

}  // namespace openssl_event::compat

#endif
