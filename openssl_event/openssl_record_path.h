/*
 * The record path: application data at the speed of the cipher, and idle connections of some 4 KB. Included by
 * openssl_event.h, whose conventions hold here too. Optional: one call for each SSL_CTX switches it on.
 *
 *     openssl_prepareContext  its connections may use the record path
 *     openssl_releaseSsl      a connection frees its SSL as well
 *     openssl_recordPath      whether it is in use, and why not
 */
#ifndef OPENSSL_EVENT_OPENSSL_RECORD_PATH_H
#define OPENSSL_EVENT_OPENSSL_RECORD_PATH_H

#include "openssl_event/openssl_event.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The record path ---------------------------------------------------------------------------------------------------- */

/*
 * Application data costs three copies and some 300 ns a record on its way through libssl. On the record path the machine
 * seals a CLEARTEXT_IN from where it lies into the RECORD_OUT, and opens a RECORD_IN in place: the CLEARTEXT_OUT points into
 * it, and the RECORD_IN comes back after the CLEARTEXT_OUT has been put back; while you hold four of them, what follows is
 * copied, so that a slow reader does not keep the buffers that the network needs. Everything else stays with libssl. For
 * TLS 1.3 and 1.2 with AES-GCM or ChaCha20-Poly1305; a connection that does not qualify stays with libssl, silently.
 *
 * Makes the connections of `context` qualify: a key log callback that calls the one set before (set none afterwards) tells
 * the machine the keys. It costs each TLS 1.3 handshake some 20 us, so contexts of connections that move little data are
 * better left alone. Idempotent. Before the first SSL is made of the context, by one thread. A context that a server name
 * callback may switch to (SSL_set_SSL_CTX) is prepared too, or what is switched to it stays with libssl. Ciphers are
 * fetched from the default library context, and must be those of OpenSSL's own providers ("default" or "fips"): do not
 * prepare a context whose records must be another provider's work.
 * Fails without memory.
 */
int openssl_prepareContext(SSL_CTX *context);

/*
 * 0: from the next record on libssl seals and opens application data itself (its records are renumbered if the record path
 * was in use); 1, the default: the record path may be used. Some settings of an SSL cannot be asked for. So say 0 before
 * you set a message callback, a record padding callback, block padding or another max_send_fragment once the handshake has
 * finished, and for a connection with a message callback that is to see application data. Padding and max_send_fragment
 * that were set before are found out.
 */
void openssl_setRecordPath(openssl_t *tls, int on);

/* The same for all connections made from now on. Any thread. */
void openssl_setRecordPathDefault(int on);

/* Who seals or opens the application data of a direction. */
enum {
    OPENSSL_PATH_LIBSSL = 0,
    OPENSSL_PATH_TRANSLATED, /* libssl; the machine renumbers its records */
    OPENSSL_PATH_DIRECT      /* the machine */
};

/* Why it is not the machine. */
enum {
    OPENSSL_PATH_REASON_NONE = 0,
    OPENSSL_PATH_REASON_HANDSHAKE,     /* it has not finished */
    OPENSSL_PATH_REASON_UNPREPARED,    /* see openssl_prepareContext */
    OPENSSL_PATH_REASON_OFF,           /* see openssl_setRecordPath */
    OPENSSL_PATH_REASON_SUITE,         /* another version, cipher or compression, or a cipher that is not OpenSSL's own */
    OPENSSL_PATH_REASON_SECRETS,       /* libssl has not told the keys: a context that was switched to is not prepared */
    OPENSSL_PATH_REASON_RENEGOTIATION, /* is allowed */
    OPENSSL_PATH_REASON_EARLY_DATA,    /* was accepted */
    OPENSSL_PATH_REASON_FRAGMENT,      /* max_fragment_length (RFC 6066 4) was negotiated */
    OPENSSL_PATH_REASON_PADDING,       /* libssl pads the records that it sends */
    OPENSSL_PATH_REASON_BUSY           /* libssl held unread data, reads ahead, or has other BIOs than its machine's */
};

typedef struct OPENSSL_record_path_st {
    int sends;                 /* OPENSSL_PATH_*; DIRECT from the first record of application data on */
    int receives;              /* likewise; DIRECT from the first record after the handshake on */
    int reason;                /* OPENSSL_PATH_REASON_* */
    unsigned long long sealed; /* records of application data that the machine has sealed ... */
    unsigned long long opened; /* ... and opened */
    int ssl_freed;             /* see openssl_releaseSsl */
} OPENSSL_RECORD_PATH;
void openssl_recordPath(const openssl_t *tls, OPENSSL_RECORD_PATH *out);

/*
 * Says that you need no more of the SSL. The machine frees its reference to it, in an openssl_getEvent, as soon as
 * application data is on the record path both ways (openssl_prepareContext) and libssl is in the middle of nothing; then an
 * idle connection takes some 4 KB of heap instead of 17. A client of TLS 1.3 keeps the SSL until it has got a ticket.
 * openssl_recordPath tells when it is gone. At any time; cannot be taken back.
 *
 * From then on openssl_ssl answers NULL, and what was borrowed from the SSL (certificates, session) is gone, unless you
 * hold a reference. openssl_negotiated answers as before. The machine answers KeyUpdates, alerts, and, by no_renegotiation,
 * requests for one; openssl_updateKey and openssl_closeOutput work as before; openssl_setRecordPath and
 * openssl_allowRenegotiation do nothing. Tickets that come later are dropped. A request for a certificate after the
 * handshake (RFC 8446 4.6.2) ends the connection with unexpected_message: keep the SSL of a client that has offered that,
 * and of a server that has asked for one. The SSL's info and message callbacks are called no more. Its session may be
 * resumed, as after an orderly close; a fatal alert that ends the connection later does not remove it from its context.
 */
void openssl_releaseSsl(openssl_t *tls);

/* "DIRECT", "PADDING": names as those of the other enums. Any thread. */
const char *openssl_pathName(int path);
const char *openssl_pathReasonName(int reason);

/*
 * How application data is cut into records by the machine (on the record path only). GATHER: one record takes several
 * CLEARTEXT_INs that are queued, up to its limit. GROW: the next 64 KiB go in
 * records of 1369 bytes of cleartext, so that each fits a packet and can be opened when it arrives, what follows in full
 * ones; you have a clock, so say it again when nothing was sent for a while. `flags` is both, one, or 0, the default: a
 * CLEARTEXT_IN begins a record, and records are full. At any time.
 */
enum { OPENSSL_RECORDS_GATHER = 1, OPENSSL_RECORDS_GROW = 2 };
void openssl_setRecords(openssl_t *tls, unsigned int flags);

#ifdef __cplusplus
}
#endif

#endif
