/* The public header in strict C99, and a call of each kind of function from C. */
#include "openssl_event/openssl_event.h"

int header_works_in_c(SSL *ssl);

int header_works_in_c(SSL *ssl) {
    char text[64];
    unsigned int wants = OPENSSL_WANTS_RECORD | OPENSSL_WANTS_CLEARTEXT;
    OPENSSL_ENGINE engine = {sizeof(OPENSSL_ENGINE), "none", NULL, NULL, NULL};
    OPENSSL_NEGOTIATED agreed;
    OPENSSL_EVENT *e;
    openssl_t *tls = openssl_new(ssl);
    if (!tls) return 0;
    openssl_setEngine(tls, &engine);
    while ((e = openssl_getEvent(tls)) != NULL) {
        switch (e->kind) {
        case OPENSSL_RECORD_OUT_KIND: openssl_queueRecord(tls, e); break;
        case OPENSSL_CLEARTEXT_OUT_KIND:
        case OPENSSL_ENGINE_CALL_OUT_KIND:
        case OPENSSL_STATUS_OUT_KIND: openssl_putEvent(tls, e); break;
        default: openssl_freeEvent(e);
        }
    }
    if (openssl_negotiated(tls, &agreed) || openssl_unsent(tls) == 0) return 0;
    openssl_free(tls);
    return openssl_wantsNames(wants, text, sizeof text) == text;
}
