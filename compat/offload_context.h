// OPENSSL_EVENT_OFFLOAD=all: the library context that stands in the default one's place in a program's SSL_CTX.
#ifndef COMPAT_OFFLOAD_CONTEXT_H
#define COMPAT_OFFLOAD_CONTEXT_H

#include <openssl/ssl.h>

namespace openssl_event::compat {

// For a context that the program makes with the default library context and without a property query; nullptr: that
// shall have no other one. Never freed: contexts are, after main, by anybody. Leaves no errors. Any thread.
OSSL_LIB_CTX* offload_context(const SSL_METHOD* method) noexcept;

// Neither DTLS nor QUIC.
bool is_stream_tls(const SSL_METHOD* method) noexcept;

}  // namespace openssl_event::compat

#endif
