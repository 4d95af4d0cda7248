// OPENSSL_EVENT_TRACE: a line for each private-key operation that leaves its thread. No secrets.
#ifndef COMPAT_TRACE_H
#define COMPAT_TRACE_H

#include <openssl/evp.h>

#include "openssl_event/event.h"

namespace openssl_event::compat {

// Before the call is handed over: `manner` says what its program does meanwhile.
void trace_call(const char* manner, const Event* call) noexcept;
void trace_key(const EVP_PKEY* key) noexcept;

}  // namespace openssl_event::compat

#endif
