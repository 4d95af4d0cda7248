// Callbacks by which a program watches what libssl does, and which this layer uses too.
#ifndef COMPAT_OBSERVERS_H
#define COMPAT_OBSERVERS_H

#include <openssl/ssl.h>

namespace openssl_event::compat {

// The program wants to see the messages and records of all SSLs of this context.
bool has_message_callback(const SSL_CTX* ctx) noexcept;

// A new context, whose SSLs may take the record path.
void prepare_keylog(SSL_CTX* ctx) noexcept;

}  // namespace openssl_event::compat

#endif
