// SSL_MODE_ASYNC: seen and set by the program, never by libssl, whose jobs cannot change thread.
#ifndef COMPAT_MODES_H
#define COMPAT_MODES_H

#include <openssl/ssl.h>

namespace openssl_event::compat {

bool is_async(SSL_CTX* ctx) noexcept;
// Records of its SSLs are padded, as the program has said.
bool is_padding(const SSL_CTX* ctx) noexcept;

}  // namespace openssl_event::compat

#endif
