/*
 * openssl_event: TLS as a state machine that exchanges events with you.
 *
 * The library does no I/O, starts no thread, never blocks and goes by no clock. You move records between it and the network
 * in any style, and decide on which thread each expensive cryptographic operation runs.
 *
 *                       RECORD                    ENGINE_CALL
 *     network  <--->  framer  <--->  openssl_t  <------------>  engine: this thread, a pool, a token, a key server
 *                                       ^
 *                                       |  CLEARTEXT, STATUS, LOOKUP
 *                                       v
 *                                  application
 *
 * The loop of a single thread (examples/kegel_poll_server.c is the compiled whole):
 *
 *     while ((e = openssl_getEvent(tls)) != NULL)
 *         switch (e->kind) {
 *         case OPENSSL_ENGINE_CALL_OUT_KIND: e->e.engine->call(e); openssl_putEvent(tls, e); break;
 *         case OPENSSL_CLEARTEXT_OUT_KIND:   use(e->c.buf, e->c.len); openssl_putEvent(tls, e); break;
 *         case OPENSSL_RECORD_OUT_KIND:      openssl_queueRecord(tls, e); break;
 *         case OPENSSL_STATUS_OUT_KIND:      note(&e->s); openssl_putEvent(tls, e); break;
 *         default:                           openssl_freeEvent(e);  // ours, back from the machine
 *         }
 *
 * IN and OUT are seen from the state machine, put and get from the application.
 *
 *     kind             made by       application may      goes back by                       freed by
 *     RECORD_IN        application   fill                 getEvent, same kind, when its      application
 *                                                         bytes are no longer needed
 *     RECORD_OUT       machine       send its bytes       putEvent, same kind, when sent     machine
 *     CLEARTEXT_IN     application   fill                 getEvent, same kind, when its      application
 *                                                         bytes are in records
 *     CLEARTEXT_OUT    machine       read                 putEvent, same kind, when used     machine
 *     ENGINE_CALL_OUT  machine       execute, once, on    executing makes it ENGINE_CALL_IN; machine
 *                                    any thread           putEvent
 *     LOOKUP_OUT       machine       answer, once, on     answering makes it LOOKUP_IN;      machine
 *                                    any thread           putEvent
 *     STATUS_OUT       machine       read                 putEvent, same kind                machine
 *
 * Exactly one side holds an event at any time; the side that received an event may touch it until it gives it back.
 *
 * Conventions
 *  1. Functions that return int return 1 for success and 0 for failure, those that return a pointer NULL for failure,
 *     unless they say otherwise. A failure has no effect and leaves its reason in the thread's OpenSSL error queue.
 *  2. Lengths are in bytes. Strings are NUL-terminated and belong to the library.
 *  3. A connection and its events are used by one thread at a time, and may move to another thread between any two calls,
 *     also while a call is out. What may be called on any thread says so.
 *  4. Misuse of an event (a second put, an event of another connection, freeing a lent event) aborts with a message when
 *     the library is built without NDEBUG; with NDEBUG it is a failure. But an event that has ended, by openssl_freeEvent
 *     or because it is the machine's and was given back, must not be named again: its memory may be another event's. Only
 *     without NDEBUG the last few that a thread has ended are known.
 *  5. Events are made by the library only. Fields are added at their ends only; `size` tells what an event has.
 *
 * Here is what every application needs. The rest is in headers of its own, which this one includes; each can be included
 * alone as well:
 *
 *     openssl_engine.h       who executes ENGINE_CALLs, keys and contexts that make them, how they come home from threads
 *     openssl_operations.h   the operands of ENGINE_CALLs, for who writes an engine
 *     openssl_lookup.h       LOOKUPs: what OpenSSL asks by callback, answered later
 *     openssl_record_path.h  application data at the speed of the cipher; small idle connections
 *
 * openssl_records.h, a parser of records without a machine, is included by itself.
 */
#ifndef OPENSSL_EVENT_OPENSSL_EVENT_H
#define OPENSSL_EVENT_OPENSSL_EVENT_H

#include <stddef.h>
#include <sys/uio.h>

#include <openssl/ssl.h>

#include "openssl_event/openssl_operations.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OPENSSL_EVENT_VERSION_MAJOR 0
#define OPENSSL_EVENT_VERSION_MINOR 1
#define OPENSSL_EVENT_VERSION_PATCH 0

/* "0.1.0": the version of the library that is linked, which may differ from the header's. Any thread. */
const char *openssl_version(void);

/* ---- Events ---------------------------------------------------------------------------------------------------------- */

enum {
    OPENSSL_RECORD_IN_KIND = 1,
    OPENSSL_RECORD_OUT_KIND,
    OPENSSL_CLEARTEXT_IN_KIND,
    OPENSSL_CLEARTEXT_OUT_KIND,
    OPENSSL_ENGINE_CALL_IN_KIND,
    OPENSSL_ENGINE_CALL_OUT_KIND,
    OPENSSL_STATUS_OUT_KIND,
    OPENSSL_LOOKUP_IN_KIND,
    OPENSSL_LOOKUP_OUT_KIND
};

/* Largest record on the wire: header, plaintext limit and expansion of TLS 1.2 (RFC 5246 6.2.3; TLS 1.3 allows +256). */
#define OPENSSL_RECORD_HEADER_SIZE 5
#define OPENSSL_MAX_PLAINTEXT 16384
#define OPENSSL_MAX_RECORD (OPENSSL_RECORD_HEADER_SIZE + OPENSSL_MAX_PLAINTEXT + 2048)

typedef union OPENSSL_event_u OPENSSL_EVENT;
typedef struct OPENSSL_engine_st OPENSSL_ENGINE;
typedef struct openssl_connection_st openssl_t;

/*
 * How every event begins. `user` of a machine's event is the connection's user pointer (openssl_setUser) at the time it
 * was made; `user` of an application's event is the application's. `flags` is 0.
 */
#define OPENSSL_EVENT_HEAD \
    int kind;              \
    unsigned int size;     \
    unsigned int flags;    \
    void *user

/*
 * One whole TLS record: type, version, length (RFC 8446 5.1), then the fragment. The contents of a RECORD_IN are undefined
 * once it has been put: records are opened in place.
 */
typedef struct OPENSSL_record_st {
    OPENSSL_EVENT_HEAD;
    int len;
    char *buf;
} OPENSSL_RECORD;

/* A block of application bytes. A CLEARTEXT_IN may be of any length: the machine cuts it into records. */
typedef struct OPENSSL_cleartext_st {
    OPENSSL_EVENT_HEAD;
    int len;
    char *buf;
} OPENSSL_CLEARTEXT;

/* An error of OpenSSL's, carried between threads. The strings belong to the event. code 0: no error. */
typedef struct OPENSSL_error_st {
    unsigned long code;   /* as ERR_get_error() packs it */
    const char *file;     /* may be NULL, as the others */
    int line;
    const char *function;
    const char *data;     /* what the library that failed added, for people */
} OPENSSL_ERROR;

/* One expensive cryptographic operation. Self-contained: nothing in it points into the connection. */
typedef struct openssl_engine_call_st {
    OPENSSL_EVENT_HEAD;
    const OPENSSL_ENGINE *engine; /* executes it: e->e.engine->call(e), on any thread */
    OPENSSL_ERROR err;            /* set when the operation failed */
    int optype;                   /* OPENSSL_OPERATION_*: what u holds */
    unsigned long thread;         /* gettid() of the thread that executed it; 0: not executed yet */
    union {
        OPENSSL_SIGN s;
        OPENSSL_DECRYPT d;
        OPENSSL_KEYGEN k;
        OPENSSL_DERIVE x;
        OPENSSL_VERIFY v;
        OPENSSL_ENCAPSULATE n;
        OPENSSL_DECAPSULATE p;
    } u;
} OPENSSL_ENGINE_CALL;

enum {
    OPENSSL_STATUS_HANDSHAKE_DONE = 1, /* a handshake has finished; openssl_negotiated() tells the outcome */
    OPENSSL_STATUS_CLOSE_NOTIFY,       /* the peer has closed its side in order: no more CLEARTEXT_OUT comes */
    OPENSSL_STATUS_OUTPUT_CLOSED,      /* our close_notify is in a RECORD_OUT: no more CLEARTEXT_IN is taken */
    OPENSSL_STATUS_KEY_UPDATED,        /* a KeyUpdate that openssl_updateKey() asked for is in a RECORD_OUT */
    OPENSSL_STATUS_ERROR,              /* the connection is dead; `reason` and `error` say why */
    OPENSSL_STATUS_SESSION_NEW         /* `session` is there to be stored (OPENSSL_NEW_SESSIONS) */
};

enum {
    OPENSSL_REASON_NONE = 0,
    OPENSSL_REASON_PROTOCOL,     /* libssl refused what the peer sent, or its own part failed: see `error` */
    OPENSSL_REASON_ALERT,        /* the peer sent a fatal alert */
    OPENSSL_REASON_VERIFY,       /* the peer's certificate was not accepted */
    OPENSSL_REASON_TRUNCATED,    /* the transport ended without close_notify */
    OPENSSL_REASON_CALL_FAILED,  /* an engine call failed */
    OPENSSL_REASON_FLOOD,        /* the peer provokes answers faster than it reads them */
    OPENSSL_REASON_STACK_LIMIT,  /* as many steps are suspended as openssl_setStackLimit() allows */
    OPENSSL_REASON_NO_MEMORY,
    OPENSSL_REASON_LOOKUP_FAILED /* a lookup that a handshake cannot do without came back unanswered, or failed */
};

/* The first error sticks: at most one ERROR comes, and nothing but returned events after it. */
typedef struct OPENSSL_status_st {
    OPENSSL_EVENT_HEAD;
    int status;          /* OPENSSL_STATUS_* */
    int reason;          /* OPENSSL_REASON_*; NONE unless status is ERROR */
    int alert_sent;      /* AlertDescription (RFC 8446 6); -1: none. The RECORD_OUT that carries it came before */
    int alert_received;  /* likewise */
    OPENSSL_ERROR error;
    const char *text;    /* one line for people, never NULL */
    SSL_SESSION *session; /* SESSION_NEW, else NULL. The event's; SSL_SESSION_up_ref to keep it */
} OPENSSL_STATUS;

#include "openssl_event/openssl_lookup.h" /* OPENSSL_LOOKUP, and its answers */

union OPENSSL_event_u {
    int kind;
    OPENSSL_RECORD r;
    OPENSSL_CLEARTEXT c;
    OPENSSL_ENGINE_CALL e;
    OPENSSL_STATUS s;
    OPENSSL_LOOKUP l;
};

/* ---- Life of a connection -------------------------------------------------------------------------------------------- */

/*
 * Makes a state machine for `ssl`, which is configured as usual: SSL_set_connect_state or SSL_set_accept_state, server
 * name, ALPN, verification, key (openssl_offloadKey to see its calls). The machine holds a reference of its own, so the
 * caller may SSL_free. From here to openssl_free nobody else calls SSL_read, SSL_write, SSL_do_handshake, SSL_shutdown or
 * SSL_set_bio on it (but see compat/compat.h); inspection is free. The machine sets the BIOs, read_ahead as it needs it,
 * SSL_MODE_ASYNC off, partial writes on, SSL_OP_NO_RENEGOTIATION (see openssl_allowRenegotiation), and an info callback that
 * calls the one set before.
 * Fails without memory, for a DTLS or QUIC object, and for one without a role or whose handshake has begun.
 */
openssl_t *openssl_new(SSL *ssl);

/*
 * Ends the machine at once, on the caller's thread, whatever is out; sends nothing. RECORD_INs and CLEARTEXT_INs that it
 * still held are freed as by openssl_freeEvent. Events that the application holds stay valid for it: a call is cancelled,
 * may be executed or dropped, and like every other event still goes back, by openssl_returnEvent. NULL is ignored.
 */
void openssl_free(openssl_t *tls);

/* The SSL, for inspection (certificates, session, exporter ...). Borrowed; valid until openssl_free. NULL: see openssl_releaseSsl. */
SSL *openssl_ssl(const openssl_t *tls);

/* The connection that openssl_new has made of this SSL, for callbacks that get the SSL alone; NULL if there is none. */
openssl_t *openssl_fromSSL(const SSL *ssl);

/* A pointer of the application's, copied into each event that the machine makes from now on. */
void openssl_setUser(openssl_t *tls, void *user);
void *openssl_user(const openssl_t *tls);

/*
 * Flow control: at most so many RECORD_OUTs and CLEARTEXT_OUTs are out at a time (16 and 16 unless set; 0 is a failure).
 * Beyond it the machine holds back RECORD_INs and CLEARTEXT_INs, so that a slow side slows the other one down. Alerts,
 * close_notify, KeyUpdates and handshake flights are exempt, up to 1 MiB: a peer that provokes more is ended (FLOOD).
 */
int openssl_setWindow(openssl_t *tls, unsigned int records_out, unsigned int cleartext_out);

/* Fairness: after so many events getEvent answers NULL once, and openssl_wants has OPENSSL_WANTS_TURN. 0, the default: no limit. */
void openssl_setBudget(openssl_t *tls, unsigned int events);

/* TLS 1.2 renegotiation (RFC 5746): 1 leaves it to the SSL's own options, 0, the default, refuses it. Before the handshake. */
void openssl_allowRenegotiation(openssl_t *tls, int allow);

/* ---- Put and get ----------------------------------------------------------------------------------------------------- */

/*
 * Gives an event to the machine, new or back. Only enqueues: O(1), no cryptography, no callback. The machine holds it from
 * here. RECORD_INs, and CLEARTEXT_INs, are used in the order they are put. On a connection that has ended, what is put
 * comes back unused. Fails on misuse (convention 4), and for a CLEARTEXT_IN after openssl_closeOutput; then the caller
 * holds the event still.
 */
int openssl_putEvent(openssl_t *tls, OPENSSL_EVENT *e);

/*
 * Takes the next event, or NULL: nothing more can be done now; openssl_wants tells what is missing. Does the machine's
 * work, a step at a time, until an event is ready: at most one record in or out (on the record path: records of 16 KiB
 * together), or a handshake up to its next engine call. RECORD_OUTs come in the order in which they must be sent,
 * CLEARTEXT_OUTs in the order of the peer's bytes, a STATUS after the records and cleartext that led to it. May clear the
 * thread's OpenSSL error queue; what is in it does not matter to the connection.
 */
OPENSSL_EVENT *openssl_getEvent(openssl_t *tls);

/*
 * Gives back a machine's event without naming its connection: openssl_putEvent to its owner, or, when the owner has been
 * freed, the end of the event. Called by the thread that has the connection; for a cancelled event by any.
 */
int openssl_returnEvent(OPENSSL_EVENT *e);

/* 1 if the event's connection has been freed, so that nobody needs its result. Any thread, at any time the event is held. */
int openssl_isCancelled(const OPENSSL_EVENT *e);

/* The connection that made the event; NULL if that has been freed, or for an application's event. Same thread as put. */
openssl_t *openssl_owner(const OPENSSL_EVENT *e);

/*
 * Blocks, by means of the caller's pump, until `e` (a CLEARTEXT_IN or RECORD_IN that has been put) comes back: hands each
 * other event to pump(tls, event, arg), which disposes of it, and calls pump(tls, NULL, arg) when the machine needs
 * something: do some I/O, as long as it takes. Returns 1 with `e` held by the caller, 0 when the pump returned 0.
 */
int openssl_waitForReply(openssl_t *tls, OPENSSL_EVENT *e, int (*pump)(openssl_t *tls, OPENSSL_EVENT *other, void *arg), void *arg);

/*
 * Close the output: close_notify after all CLEARTEXT_INs put so far; later ones are refused. Data still flows in.
 * STATUS_OUTPUT_CLOSED tells when it is in a record. Before the handshake has finished it waits for that. Idempotent.
 */
int openssl_closeOutput(openssl_t *tls);

/*
 * Says that the transport has ended: no RECORD_IN follows those put so far. What libssl makes of it without a close_notify
 * is STATUS_ERROR, TRUNCATED (or CLOSE_NOTIFY with SSL_OP_IGNORE_UNEXPECTED_EOF). Bytes of a record cut short go to libssl.
 */
int openssl_endInput(openssl_t *tls);

/* Requests a TLS 1.3 KeyUpdate (RFC 8446 4.6.3) after all CLEARTEXT_INs put so far; of the peer's key too if request_peer. */
int openssl_updateKey(openssl_t *tls, int request_peer);

/* Requests a TLS 1.2 renegotiation after all CLEARTEXT_INs put so far; later ones wait for its end. Needs openssl_allowRenegotiation. */
int openssl_renegotiate(openssl_t *tls);

/* ---- Framing: bytes from the network become RECORD_INs ---------------------------------------------------------------- */

/*
 * Takes bytes, up to the end of one record, from buf; *taken tells how many. Returns a new RECORD_IN, the caller's, when a
 * record is whole (bytes of earlier calls included), else NULL. One read may hold fewer than one record (NULL, all taken),
 * one, or 2.5: call again with the rest. Bytes that are no TLS record (plain HTTP, an SSLv2-format hello) come out as they
 * are, for libssl to judge. NULL with *taken < len: out of memory; what was not taken may be offered again.
 */
OPENSSL_EVENT *openssl_buildFrame(openssl_t *tls, const char *buf, size_t len, size_t *taken);

/*
 * The same without a copy: read from the network into the space returned (*room bytes, at least one), say how many came,
 * take the records. The space is the machine's, valid until the next call of openssl_inputSpace or openssl_buildFrame, and
 * is kept while it is being filled or a record in it is in use.
 */
char *openssl_inputSpace(openssl_t *tls, size_t *room);
int openssl_inputFilled(openssl_t *tls, size_t len);
OPENSSL_EVENT *openssl_nextFrame(openssl_t *tls); /* a RECORD_IN, the caller's; NULL: none is whole, or, with an entry in the error queue, no memory */

/* ---- Framing: RECORD_OUTs become bytes for the network ------------------------------------------------------------------ */

/*
 * Puts a RECORD_OUT of this connection at the end of its line of records to send. The line fits write (one slice), writev
 * (several) and completion APIs (the bytes stay where they are until marked sent). Freed with the connection.
 */
int openssl_queueRecord(openssl_t *tls, OPENSSL_EVENT *record_out);

/* How many bytes of the line are left to send. */
size_t openssl_unsent(const openssl_t *tls);

/* Fills up to `max` slices with the next bytes to send, in order, without marking them; returns how many it filled. */
int openssl_gather(const openssl_t *tls, struct iovec *slices, int max);

/* Says that the next `len` bytes of the line have been sent; whole records go back to the machine. Fails if len > openssl_unsent. */
int openssl_markSent(openssl_t *tls, size_t len);

/* ---- Making and freeing the application's events ----------------------------------------------------------------------- */

/*
 * An event of `len` bytes copied from `buf`, or, with buf NULL, left for the caller to fill (and to shorten, by lowering
 * e->c.len or e->r.len). Any thread. Fails without memory and for len > INT_MAX.
 */
OPENSSL_EVENT *openssl_newCleartextInEvent(const void *buf, size_t len);
OPENSSL_EVENT *openssl_newRecordInEvent(const void *buf, size_t len);

/* An event over memory of the application's. release(arg), if not NULL, is called when the event is freed. Any thread. */
OPENSSL_EVENT *openssl_wrapCleartextInEvent(void *buf, size_t len, void (*release)(void *arg), void *arg);
OPENSSL_EVENT *openssl_wrapRecordInEvent(void *buf, size_t len, void (*release)(void *arg), void *arg);

/* Frees an event that the application made and holds. NULL is ignored. Any thread. A lent or foreign event: convention 4. */
int openssl_freeEvent(OPENSSL_EVENT *e);

/* ---- Queries ------------------------------------------------------------------------------------------------------------ */

/* What the machine could go on with, as bits; 0 when it has ended, or still has work or events for getEvent. */
enum {
    OPENSSL_WANTS_RECORD = 1,        /* records of the peer: read from the network. Not set: stop reading */
    OPENSSL_WANTS_REPLY = 2,         /* the ENGINE_CALL or LOOKUP that is out */
    OPENSSL_WANTS_SENT = 4,          /* RECORD_OUTs back: the window is full and cleartext waits */
    OPENSSL_WANTS_USED = 8,          /* CLEARTEXT_OUTs back: the window is full */
    OPENSSL_WANTS_CLEARTEXT = 16,    /* takes CLEARTEXT_INs at once */
    OPENSSL_WANTS_TURN = 32,         /* another openssl_getEvent: the budget is spent, or a callback of the application asked for a retry */
};
unsigned int openssl_wants(const openssl_t *tls);

/* What has ended, as bits; 0 while everything may flow. */
enum {
    OPENSSL_CLOSED_IN = 1,    /* close_notify received */
    OPENSSL_CLOSED_OUT = 2,   /* close_notify sent, or being sent */
    OPENSSL_CLOSED_ERROR = 4  /* dead */
};
unsigned int openssl_closed(const openssl_t *tls);

/* What the handshake agreed on. Strings are the SSL's, valid until openssl_free; "" where there is none. */
typedef struct OPENSSL_negotiated_st {
    const char *protocol;    /* "TLSv1.3" */
    const char *cipher;      /* "TLS_AES_128_GCM_SHA256" */
    const char *group;       /* "x25519"; "" for RSA key exchange */
    const char *server_name; /* SNI */
    const unsigned char *alpn;
    unsigned int alpn_len;
    int resumed;
} OPENSSL_NEGOTIATED;

/* Fails before the first handshake has finished. */
int openssl_negotiated(const openssl_t *tls, OPENSSL_NEGOTIATED *out);

/* Names of enum values, without the prefix: "RECORD_IN", "SIGN", "HANDSHAKE_DONE", "TRUNCATED"; "UNKNOWN" for others. Any thread. */
const char *openssl_kindName(int kind);
const char *openssl_operationName(int optype);
const char *openssl_statusName(int status);
const char *openssl_reasonName(int reason);

/* Names of the bits set in openssl_wants and openssl_closed: "RECORD|CLEARTEXT", "" for 0. Fill `text`, which they return. Any thread. */
const char *openssl_wantsNames(unsigned int wants, char *text, size_t size);
const char *openssl_closedNames(unsigned int closed, char *text, size_t size);

/* ---- Trace -------------------------------------------------------------------------------------------------------------- */

enum { OPENSSL_TRACE_PUT = 1, OPENSSL_TRACE_GET = 2 };

/*
 * Calls trace(arg, tls, OPENSSL_TRACE_*, e) for each event that is put (before the machine has it) or got (before the
 * application has it). It may call openssl_putEvent, and no other function of this connection. NULL ends the trace.
 */
void openssl_setTrace(openssl_t *tls, void (*trace)(void *arg, openssl_t *tls, int direction, const OPENSSL_EVENT *e), void *arg);

/*
 * One line of text about an event: kind, length, and what can be said without secrets ("RECORD_OUT 127 bytes handshake").
 * Never bytes of the contents. Writes at most `size` bytes with the NUL; returns text.
 */
const char *openssl_describe(const OPENSSL_EVENT *e, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#include "openssl_event/openssl_engine.h"
#include "openssl_event/openssl_record_path.h"

#endif
