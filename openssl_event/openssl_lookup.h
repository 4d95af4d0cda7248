/*
 * LOOKUP: a question that OpenSSL asks by callback, as an event that may be answered at any later time, on any thread.
 * Included by openssl_event.h, whose conventions hold here too.
 *
 *     case OPENSSL_LOOKUP_OUT_KIND:                          // SESSION was switched on by openssl_setLookups
 *         find_later(e->l.u.session->id, e->l.u.session->id_len, e);  // the network thread goes on
 *         break;
 *     ...                                                    // later, on whichever thread has found it:
 *     openssl_answerSession(e, session);                     // or openssl_answerNone(e)
 *     openssl_postCompletion(completions, e);                // the thread of the connection: openssl_returnEvent(e)
 *
 *     question         asked                        answers                     none, unanswered or failed means
 *     CLIENT_HELLO     server, for each hello       Accept, Alert               unanswered, failed: ends the handshake
 *     CERTIFICATE      server, for each hello       Context, Certificate,       the certificate that is configured
 *                                                   None, Alert
 *     ALPN             server, if the client        Alpn, None, Alert           no ALPN
 *                      offers any
 *     SESSION          server, for an id or a       Session, None               a full handshake
 *                      stateful ticket that is not
 *                      in the context's own cache
 *     TICKET_KEY       server, to make and to       TicketKey, None             a full handshake; a ticket that nobody
 *                      open a ticket                                            can open, or (TLS 1.2) no ticket
 *     PSK              server, for each identity;   Psk, None                   None: no PSK; unanswered, failed: ends
 *                      client                                                   the handshake
 *     STAPLE           server, if the client wants  Staple, None                no staple
 *                      one
 *     STAPLE_RECEIVED  client that asked for one    Accept, Alert               ends the handshake
 *     VERIFY           both, for the peer's chain   Verified, verifyChain       ends the handshake
 *
 * openssl_answerDefault is an answer to each of them: what OpenSSL does with the callback not set. It is also that of an
 * SSL without a machine, and of a question that comes when nothing can wait (see openssl_setLookups).
 *
 * After a switch to another SSL_CTX (answerContext, or the application's own SSL_set_SSL_CTX) OpenSSL asks by the callbacks
 * of the new one: ALPN, STAPLE, STAPLE_RECEIVED, VERIFY; of the first one: SESSION, TICKET_KEY, new and removed sessions;
 * of neither, but as they were when the SSL was made: PSK. Switch on what each of them is to ask.
 */
#include "openssl_event/openssl_event.h" /* before the guard: it needs OPENSSL_LOOKUP in its middle, and includes this file there */

#ifndef OPENSSL_EVENT_OPENSSL_LOOKUP_H
#define OPENSSL_EVENT_OPENSSL_LOOKUP_H

/* Questions, one bit each; the last two are no questions, but switched on like them. */
enum {
    OPENSSL_LOOKUP_CLIENT_HELLO = 1,
    OPENSSL_LOOKUP_CERTIFICATE = 2,
    OPENSSL_LOOKUP_ALPN = 4,
    OPENSSL_LOOKUP_SESSION = 8,
    OPENSSL_LOOKUP_TICKET_KEY = 16,
    OPENSSL_LOOKUP_PSK = 32,
    OPENSSL_LOOKUP_STAPLE = 64,
    OPENSSL_LOOKUP_STAPLE_RECEIVED = 128,
    OPENSSL_LOOKUP_VERIFY = 256,
    OPENSSL_NEW_SESSIONS = 512,     /* STATUS_SESSION_NEW: a session to be stored */
    OPENSSL_REMOVED_SESSIONS = 1024 /* openssl_takeRemovedSession */
};

/*
 * Switches these on for the connections of `context`, and takes the place of the callbacks that the application has set
 * for the same purposes (SSL_CTX_set_client_hello_cb; set_tlsext_servername_callback; set_alpn_select_cb;
 * sess_set_get_cb; set_tlsext_ticket_key_evp_cb; set_psk_server_callback, set_psk_client_callback,
 * set_psk_find_session_callback, set_psk_use_session_callback; set_tlsext_status_cb for both STAPLEs;
 * set_cert_verify_callback; sess_set_new_cb; sess_set_remove_cb); all others stay, and so does what was switched on
 * before. An SSL without a machine: what the session callbacks were, they still are for it; the rest is the default
 * answer. Before the first SSL is made of the context, by one thread. Fails without memory, and for unknown bits.
 *
 * SESSION and OPENSSL_NEW_SESSIONS want SSL_CTX_set_session_cache_mode to say SSL_SESS_CACHE_SERVER (a client's new
 * sessions: SSL_SESS_CACHE_CLIENT), and SSL_SESS_CACHE_NO_INTERNAL if the store is to be the only one. TLS 1.3 asks for
 * sessions with SSL_OP_NO_TICKET only. STAPLE_RECEIVED wants SSL_set_tlsext_status_type. CERTIFICATE wants a configured
 * certificate or a name for each client. Once the handshake has finished, libssl asks TICKET_KEY for tickets by
 * SSL_new_session_ticket, and VERIFY for a post-handshake authentication (RFC 8446 4.6.2): these can wait. Nothing else
 * is asked then.
 */
int openssl_setLookups(SSL_CTX *context, unsigned int lookups);

/* ---- Operands. They belong to the event and stay valid as long as it, even if it is cancelled ------------------------- */

typedef struct OPENSSL_extension_st {
    unsigned int type; /* RFC 8446 4.2 */
    const unsigned char *data;
    size_t len;
} OPENSSL_EXTENSION;

/*
 * RFC 8446 4.1.2, RFC 5246 7.4.1.2. Lists are as on the wire, without the length before them; empty where there is
 * none.
 */
typedef struct OPENSSL_client_hello_st {
    unsigned int legacy_version;
    const unsigned char *random; /* 32 bytes */
    const unsigned char *session_id;
    size_t session_id_len;
    const unsigned char *cipher_suites; /* two bytes each */
    size_t cipher_suites_len;
    const OPENSSL_EXTENSION *extensions; /* in the hello's order, those that OpenSSL does not know too */
    size_t extension_count;
    const char *server_name; /* RFC 6066 3; "" if there is none, or none without NUL bytes */
    const unsigned char *alpn; /* RFC 7301 3.1: each protocol after a byte with its length */
    size_t alpn_len;
    const unsigned char *versions; /* supported_versions (RFC 8446 4.2.1), two bytes each; none: up to legacy_version */
    size_t versions_len;
} OPENSSL_CLIENT_HELLO;

typedef struct OPENSSL_certificate_lookup_st {
    int resumed; /* 1: a session is resumed, and no certificate needed; the name may be refused all the same */
} OPENSSL_CERTIFICATE_LOOKUP;

typedef struct OPENSSL_alpn_lookup_st {
    const unsigned char *protocols; /* as OPENSSL_CLIENT_HELLO's alpn */
    size_t protocols_len;
} OPENSSL_ALPN_LOOKUP;

typedef struct OPENSSL_session_lookup_st {
    const unsigned char *id; /* TLS 1.2: the session id of the hello; TLS 1.3: the stateful ticket */
    size_t id_len;           /* at most SSL_MAX_SSL_SESSION_ID_LENGTH */
} OPENSSL_SESSION_LOOKUP;

/* A ticket key: name, HMAC-SHA256 key, AES-256 key, as SSL_CTX_set_tlsext_ticket_keys has them (RFC 5077 4). */
#define OPENSSL_TICKET_KEY_NAME_SIZE 16
#define OPENSSL_TICKET_KEY_SIZE (OPENSSL_TICKET_KEY_NAME_SIZE + 32 + 32)

typedef struct OPENSSL_ticket_lookup_st {
    int encrypts;                  /* 1: the key for a new ticket; 0: the key of a ticket that came */
    const unsigned char *key_name; /* OPENSSL_TICKET_KEY_NAME_SIZE bytes, its name; NULL for a new one */
} OPENSSL_TICKET_LOOKUP;

typedef struct OPENSSL_psk_lookup_st {
    int is_server;
    const unsigned char *identity; /* server: what the client says, which may also be a TLS 1.3 ticket */
    size_t identity_len;
    const char *hint; /* client, TLS 1.2: the server's identity hint; "" */
} OPENSSL_PSK_LOOKUP;

typedef struct OPENSSL_staple_lookup_st {
    X509 *certificate;             /* server: the one that will be shown; client: the peer's */
    STACK_OF(X509) *chain;         /* server: what follows it; client: what the server sent; may be NULL */
    const unsigned char *response; /* client: the OCSPResponse (RFC 6960 4.2.1), DER; NULL: the server sent none */
    size_t response_len;
} OPENSSL_STAPLE_LOOKUP;

typedef struct OPENSSL_verify_lookup_st {
    STACK_OF(X509) *chain;    /* as the peer sent it, its own certificate first */
    X509_STORE *store;        /* the trusted ones */
    X509_VERIFY_PARAM *param; /* a copy: purpose, host names, depth, security level, flags */
    int in_place;             /* 1: DANE, or a callback of the application's, wants the connection's thread */
} OPENSSL_VERIFY_LOOKUP;

typedef struct openssl_lookup_st {
    OPENSSL_EVENT_HEAD;
    int question;            /* OPENSSL_LOOKUP_* */
    int version;             /* the protocol that is being negotiated, as far as it is known: TLS1_3_VERSION ... */
    const char *server_name; /* SNI; "" if there is none (for CLIENT_HELLO, see there) */
    union {
        const OPENSSL_CLIENT_HELLO *client_hello;
        const OPENSSL_CERTIFICATE_LOOKUP *certificate;
        const OPENSSL_ALPN_LOOKUP *alpn;
        const OPENSSL_SESSION_LOOKUP *session;
        const OPENSSL_TICKET_LOOKUP *ticket;
        const OPENSSL_PSK_LOOKUP *psk;
        const OPENSSL_STAPLE_LOOKUP *staple; /* STAPLE, STAPLE_RECEIVED */
        const OPENSSL_VERIFY_LOOKUP *verify;
    } u;
} OPENSSL_LOOKUP;

/* ---- Answers ------------------------------------------------------------------------------------------------------------ */

/*
 * On any thread. Each ends the question: kind becomes LOOKUP_IN, with release order. Then the event goes back, by
 * openssl_putEvent or openssl_returnEvent. What they are given they copy, or take a reference to. They fail, and the
 * question stays open, without memory; and if the event is no LOOKUP_OUT, or one of another question (convention 4).
 */

/* CLIENT_HELLO, STAPLE_RECEIVED: go on. */
int openssl_answerAccept(OPENSSL_EVENT *e);
/*
 * CLIENT_HELLO, CERTIFICATE: end the handshake with this AlertDescription (RFC 8446 6). ALPN, STAPLE_RECEIVED: with
 * no_application_protocol, bad_certificate_status_response, whatever is given.
 */
int openssl_answerAlert(OPENSSL_EVENT *e, int alert);
/* CERTIFICATE, ALPN, SESSION, TICKET_KEY, PSK, STAPLE: there is none. */
int openssl_answerNone(OPENSSL_EVENT *e);

/* CERTIFICATE: the handshake goes on with `context` (SSL_set_SSL_CTX; the SSL's own options and verify mode stay). */
int openssl_answerContext(OPENSSL_EVENT *e, SSL_CTX *context);
/*
 * CERTIFICATE: with this one, and no other, `chain` behind it (may be NULL), and its key, which may be an offloaded
 * one.
 */
int openssl_answerCertificate(OPENSSL_EVENT *e, X509 *certificate, STACK_OF(X509) *chain, EVP_PKEY *key);
/* ALPN: one of those that the client offers; fails for others. */
int openssl_answerAlpn(OPENSSL_EVENT *e, const unsigned char *protocol, size_t len);
/* SESSION: see d2i_SSL_SESSION. One that has expired, or has another session id context, is none. */
int openssl_answerSession(OPENSSL_EVENT *e, SSL_SESSION *session);
/*
 * TICKET_KEY: `key` of OPENSSL_TICKET_KEY_SIZE bytes. renew, for a ticket that came (TLS 1.2): it is replaced by a new
 * one.
 */
int openssl_answerTicketKey(OPENSSL_EVENT *e, const unsigned char *key, int renew);
/*
 * PSK: the key, of at most 256 bytes. `identity`: a client's; NULL on a server. In TLS 1.3 a key belongs to one hash (RFC
 * 8446 4.2.11), this one to SHA-256. A server chooses the suite before the key: one that has certificates too uses the key
 * if its suite has that hash, so it should prefer TLS_AES_128_GCM_SHA256 then (SSL_CTX_set_ciphersuites).
 */
int openssl_answerPsk(OPENSSL_EVENT *e, const char *identity, const unsigned char *key, size_t len);
/* The same for a key that belongs to `digest`, "SHA256" or "SHA384"; fails for others. In TLS 1.2 keys belong to none. */
int openssl_answerPskOf(OPENSSL_EVENT *e, const char *identity, const unsigned char *key, size_t len, const char *digest);
/* STAPLE: an OCSPResponse, DER. OpenSSL 4.0 sends none that is something else, and none for a self-signed certificate. */
int openssl_answerStaple(OPENSSL_EVENT *e, const unsigned char *response, size_t len);
/*
 * VERIFY: X509_V_OK, or the X509_V_ERR_* for which the chain is refused, with the alert that belongs to it, and its
 * depth (0: the peer's own certificate); a refusal counts in the mode SSL_VERIFY_NONE too. `chain`, what
 * SSL_get0_verified_chain is to show, may be NULL.
 */
int openssl_answerVerified(OPENSSL_EVENT *e, int error, int depth, STACK_OF(X509) *chain);
/*
 * VERIFY: does OpenSSL's own verification, here and now, on the calling thread, and answers what came of it; with
 * in_place it answers openssl_answerDefault. Uses the default library context.
 */
int openssl_verifyChain(OPENSSL_EVENT *e);

/*
 * Any question: as if it had not been switched on, done in openssl_getEvent. VERIFY: OpenSSL's own verification.
 * STAPLE_RECEIVED: accepted.
 */
int openssl_answerDefault(OPENSSL_EVENT *e);
/*
 * Any question: the lookup has failed, for `reason` (NULL: the newest entry of this thread's error queue). See the
 * table.
 */
int openssl_failLookup(OPENSSL_EVENT *e, const char *reason);

/*
 * The oldest of the sessions that have left the cache of `context` (removed, expired, evicted; also by
 * SSL_CTX_flush_sessions) since OPENSSL_REMOVED_SESSIONS was switched on, the caller's, who frees it by
 * SSL_SESSION_free; NULL if there is none. What nobody takes is freed with the context. Any thread. OpenSSL then keeps
 * the sessions of TLS 1.3 tickets in its cache too.
 */
SSL_SESSION *openssl_takeRemovedSession(SSL_CTX *context);

/* "SESSION", "CLIENT_HELLO"; "UNKNOWN" for others. Any thread. */
const char *openssl_lookupName(int question);

#endif
