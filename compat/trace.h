// OPENSSL_EVENT_TRACE: a line for each private-key operation that leaves its thread. No secrets.
#ifndef COMPAT_TRACE_H
#define COMPAT_TRACE_H

#include <openssl/ssl.h>

#include "openssl_event/event.h"

namespace openssl_event::compat {

// `ssl` may be nullptr: a program that waits on its own stack.
void trace_call(const SSL* ssl, const Event* call) noexcept;
void trace_key(const EVP_PKEY* key) noexcept;

}  // namespace openssl_event::compat

#endif
