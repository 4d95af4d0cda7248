// Private keys of a context or an SSL become offloaded ones.
#ifndef COMPAT_KEYS_H
#define COMPAT_KEYS_H

#include <openssl/ssl.h>

namespace openssl_event::compat {

// After a function has set a key, whichever way it got it: puts the offloaded one in its place, if it can and shall be.
void offload(SSL_CTX* ctx) noexcept;
void offload(SSL* ssl) noexcept;

template <typename Object>
int offload_if(int success, Object* object) noexcept {
  if (success > 0) offload(object);
  return success;
}

// The key that the program has set.
EVP_PKEY* original(EVP_PKEY* key) noexcept;

}  // namespace openssl_event::compat

#endif
