/* TLS of a client that knows whom it talks to. */
#ifndef EXAMPLES_VERIFIED_CLIENT_H
#define EXAMPLES_VERIFIED_CLIENT_H

#include <openssl/ssl.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A context that accepts certificates of the authorities in a file (PEM), or, with NULL, of the system's trust store. The
 * caller frees it; NULL with the reason in the error queue.
 */
SSL_CTX *verified_context(const char *authorities);

/*
 * An SSL for a connection to this host, a name or an address, for HTTP/1.1: its certificate must be the host's, and a name is
 * sent (SNI; RFC 6066 3: not an address). The caller frees it; NULL without memory.
 */
SSL *verified_ssl(SSL_CTX *context, const char *host);

#ifdef __cplusplus
}
#endif

#endif
