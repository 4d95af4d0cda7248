// Which operations of a context's connections become calls.
#ifndef OPENSSL_EVENT_OPERATION_SETS_H
#define OPENSSL_EVENT_OPERATION_SETS_H

#include <openssl/ssl.h>

namespace openssl_event {

// As openssl_setContextOperations() set it, or all.
unsigned operations_of(const SSL_CTX* context) noexcept;

}  // namespace openssl_event

#endif
