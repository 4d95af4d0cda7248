/* The listings of README's "Lookups", in C99, so that they stay true. */
#include "openssl_event/openssl_event.h"

/* What README leaves to the application. */
struct answers {
    openssl_completions_t *completions;
    SSL_CTX *(*find_context)(const char *name);
    int (*find_certificate)(const char *name, X509 **x509, STACK_OF(X509) **chain, EVP_PKEY **key);
    int (*find)(const unsigned char *id, size_t len, SSL_SESSION **session);
    const unsigned char *(*find_key)(const unsigned char *name);
    const unsigned char *newest_key, *psk, *response;
    size_t psk_len, response_len;
    int (*is_welcome)(const char *name);
    int (*is_good)(const OPENSSL_STAPLE_LOOKUP *staple);
    int (*is_revoked)(STACK_OF(X509) *chain);
    void (*forget)(SSL_SESSION *session);
};

void answer_as_in_readme(const struct answers *a, OPENSSL_EVENT *e);
void forget_as_in_readme(const struct answers *a, SSL_CTX *context);

static void answer_certificate(const struct answers *a, OPENSSL_EVENT *e) {
    SSL_CTX *other;
    X509 *x509;
    STACK_OF(X509) *chain;
    EVP_PKEY *key;
    if ((other = a->find_context(e->l.server_name))) openssl_answerContext(e, other);
    else if (a->find_certificate(e->l.server_name, &x509, &chain, &key)) openssl_answerCertificate(e, x509, chain, key);
    else openssl_answerAlert(e, SSL_AD_UNRECOGNIZED_NAME);
}

static void answer_ticket_key(const struct answers *a, OPENSSL_EVENT *e) {
    const unsigned char *key;
    const OPENSSL_TICKET_LOOKUP *ticket = e->l.u.ticket;
    if (ticket->encrypts) openssl_answerTicketKey(e, a->newest_key, 0);
    else (key = a->find_key(ticket->key_name)) ? openssl_answerTicketKey(e, key, key != a->newest_key) : openssl_answerNone(e);
}

void answer_as_in_readme(const struct answers *a, OPENSSL_EVENT *e) {
    SSL_SESSION *s;
    switch (e->l.question) {
    case OPENSSL_LOOKUP_CLIENT_HELLO: {
        const OPENSSL_CLIENT_HELLO *hello = e->l.u.client_hello;
        a->is_welcome(hello->server_name) ? openssl_answerAccept(e) : openssl_answerAlert(e, SSL_AD_ACCESS_DENIED);
        break;
    }
    case OPENSSL_LOOKUP_CERTIFICATE: answer_certificate(a, e); break;
    case OPENSSL_LOOKUP_ALPN:
        if (!openssl_answerAlpn(e, (const unsigned char *)"h2", 2)) openssl_answerAlert(e, SSL_AD_NO_APPLICATION_PROTOCOL);
        break;
    case OPENSSL_LOOKUP_SESSION: a->find(e->l.u.session->id, e->l.u.session->id_len, &s) ? openssl_answerSession(e, s) : openssl_answerNone(e); break;
    case OPENSSL_LOOKUP_TICKET_KEY: answer_ticket_key(a, e); break;
    case OPENSSL_LOOKUP_PSK:
        e->l.u.psk->is_server ? openssl_answerPsk(e, NULL, a->psk, a->psk_len) : openssl_answerPsk(e, "device-17", a->psk, a->psk_len);
        break;
    case OPENSSL_LOOKUP_STAPLE: openssl_answerStaple(e, a->response, a->response_len); break;
    case OPENSSL_LOOKUP_STAPLE_RECEIVED:
        a->is_good(e->l.u.staple) ? openssl_answerAccept(e) : openssl_answerAlert(e, SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE);
        break;
    case OPENSSL_LOOKUP_VERIFY:
        if (a->is_revoked(e->l.u.verify->chain)) openssl_answerVerified(e, X509_V_ERR_CERT_REVOKED, 0, NULL);
        else openssl_verifyChain(e);
        break;
    }
    openssl_postCompletion(a->completions, e);
}

void forget_as_in_readme(const struct answers *a, SSL_CTX *context) {
    SSL_SESSION *s;
    while ((s = openssl_takeRemovedSession(context))) { a->forget(s); SSL_SESSION_free(s); }
}
