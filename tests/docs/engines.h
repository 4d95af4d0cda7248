/* What the listings leave to the reader, and what they make. */
#ifndef TESTS_DOCS_ENGINES_H
#define TESTS_DOCS_ENGINES_H

#include "openssl_event/openssl_event.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The length of the signature, which is in s->signature; 0: failed. */
size_t my_device_sign(const OPENSSL_SIGN *s, const unsigned char *digest, size_t len);
void my_free(void *handle);

EVP_PKEY *key_in_my_device(X509 *certificate, void *handle);
int use_key_in_token(SSL_CTX *context, X509 *certificate);

#ifdef __cplusplus
}
#endif

#endif
