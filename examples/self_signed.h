/* A key and a certificate made in memory, so that the examples run without files. For tests and demonstrations only. */
#ifndef EXAMPLES_SELF_SIGNED_H
#define EXAMPLES_SELF_SIGNED_H

#include <openssl/ssl.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A new private key: RSA of so many bits, or with 0 EC on P-256. The caller frees it; NULL with the reason in the error queue. */
EVP_PKEY *make_key(int rsa_bits);

/*
 * A certificate for `key`, signed by itself, for localhost and the loopback addresses, valid for a year. The caller frees
 * it; NULL with the reason in the error queue.
 */
X509 *make_self_signed(EVP_PKEY *key);

/*
 * Gives `context`, which has its certificate, the key that belongs to it, in the form whose signatures come out as
 * ENGINE_CALLs. `key` stays the caller's. 0 with the reason in the error queue.
 */
int use_offloaded_key(SSL_CTX *context, EVP_PKEY *key);

/* A server's context with a key and certificate just made: all of the above. The caller frees it. */
SSL_CTX *make_server_context(int rsa_bits);

#ifdef __cplusplus
}
#endif

#endif
