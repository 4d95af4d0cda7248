/* The listings of README's "Engines" and of docs/engines.md, in C99. */
#include "tests/docs/engines.h"

#include "engine_pkcs11/engine_pkcs11.h"

static int call(OPENSSL_EVENT *e) {                    /* on any thread; may take its time, or see `start` */
    OPENSSL_SIGN *s = &e->e.u.s;
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t len;
    if (e->e.optype != OPENSSL_OPERATION_SIGN) return openssl_decline(e);          /* not for us */
    if (!openssl_hashOperand(e, digest, &len)) return openssl_failCall(e, "no digest");
    s->signature_len = my_device_sign(s, digest, len); /* with s->handle, as s->digest and s->padding say */
    return s->signature_len ? openssl_completeCall(e) : openssl_failCall(e, "the device is gone");
}
static const OPENSSL_ENGINE engine = {sizeof engine, "my device", call, NULL, NULL};

EVP_PKEY *key_in_my_device(X509 *certificate, void *handle) {
    return openssl_engineKey(X509_get0_pubkey(certificate), &engine, handle, my_free);
}

int use_key_in_token(SSL_CTX *context, X509 *certificate) {
    EVP_PKEY *key = openssl_pkcs11Key("pkcs11:token=web;object=tls?pin-source=/etc/web.pin", X509_get0_pubkey(certificate));
    int used = key && SSL_CTX_use_certificate(context, certificate) && SSL_CTX_use_PrivateKey(context, key);
    EVP_PKEY_free(key);                                /* the context has a reference */
    return used;                                       /* its calls are for workers: a token blocks */
}
