/*
 * openssl_event: TLS as a state machine that exchanges events with you.
 *
 * The library does no I/O, starts no thread, never blocks and reads no clock. You move records between it and the network
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
 *     the library is built without NDEBUG; with NDEBUG it is a failure.
 *  5. Events are made by the library only. Fields are added at their ends only; `size` tells what an event has.
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
 * SSL_set_bio on it (but see compat/compat.h); inspection is free. The machine sets the BIOs, read_ahead off, SSL_MODE_ASYNC off, partial writes on,
 * SSL_OP_NO_RENEGOTIATION (see openssl_allowRenegotiation), and an info callback that calls the one set before.
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

/* The engine that the calls made from now on name, but for those on a key of another's. Outlives the connection and the calls. NULL: the default. */
void openssl_setEngine(openssl_t *tls, const OPENSSL_ENGINE *engine);

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
 * CLEARTEXT_OUTs in the order of the peer's bytes, a STATUS after the records and cleartext that led to it. Clears the
 * thread's OpenSSL error queue when libssl has a part in it.
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

/* ---- Engines and their calls -------------------------------------------------------------------------------------------- */

typedef struct openssl_completions_st openssl_completions_t;

/*
 * An engine executes calls (the operands: openssl_operations.h), in one of two ways or both; what it lacks is NULL. `call`
 * runs on any thread, may block, and ends with openssl_completeCall, openssl_failCall or openssl_decline; it returns 1 if
 * the operation succeeded. `start` does not block: it returns 1 when it has taken the event, which the engine ends, later or
 * at once, on any thread, by one of these three and then openssl_postCompletion(completions, e); and 0, with a reason in
 * the error queue, when it has not: the caller holds the event still. An engine may look at openssl_isCancelled and drop
 * such a call: it posts it as it is. The application makes engines: zero-initialised, size set. They outlive their calls
 * and keys.
 */
struct OPENSSL_engine_st {
    size_t size; /* sizeof(OPENSSL_ENGINE) */
    const char *name;
    int (*call)(OPENSSL_EVENT *e);
    void *data; /* the engine's own */
    int (*start)(OPENSSL_EVENT *e, openssl_completions_t *completions);
};

/* The engine that executes a call with OpenSSL, in the thread that calls it. */
const OPENSSL_ENGINE *openssl_defaultEngine(void);

/*
 * Has a call executed by its engine, in the thread of the caller: by `start`, or, for an engine without, by `call`. In both
 * cases it comes back through `completions`. Fails when `start` has not taken it.
 */
int openssl_startCall(OPENSSL_EVENT *e, openssl_completions_t *completions);

/*
 * End the execution of a call: its result is in place; it failed, for `reason` (which becomes the error's data; NULL: the
 * newest entry of this thread's error queue becomes the error); or it is not for this engine, so that the machine shall
 * execute it itself, in openssl_getEvent. Flip kind to ENGINE_CALL_IN, with release order. Any thread. Fail if the event is
 * no ENGINE_CALL_OUT, and completeCall if the result is longer than its buffer. A call put back without any of them counts
 * as failed: the handshake ends with internal_error. To decline a call on a key of an engine's fails it too.
 */
int openssl_completeCall(OPENSSL_EVENT *e);
int openssl_failCall(OPENSSL_EVENT *e, const char *reason);
int openssl_decline(OPENSSL_EVENT *e);

/* The digest that a SIGN or VERIFY call is about, in at most EVP_MAX_MD_SIZE bytes; *len tells how many. Any thread. */
int openssl_hashOperand(const OPENSSL_EVENT *e, unsigned char *digest, size_t *len);

/*
 * Makes a key whose signatures and RSA premaster secrets (SIGN, DECRYPT) come out as ENGINE_CALLs of the connection that
 * needs them, for SSL_CTX_use_PrivateKey and its relatives, of servers and clients. It has a reference to `key`, can in
 * place whatever that can, and exports its public half only. `libctx` (NULL: the default one) and `propq` are where
 * operations on `key` are fetched; libctx must outlive the key, and, other than the default one, the threads that execute
 * its calls. Used outside a machine it works in place. RSA, RSA-PSS, EC, Ed25519, Ed448. The caller frees the result by
 * EVP_PKEY_free. Any thread. Fails for other types.
 */
#define OPENSSL_OFFLOAD_SERIALIZE 1u /* for a key that is not thread-safe: one call at a time */
EVP_PKEY *openssl_offloadKey(EVP_PKEY *key, OSSL_LIB_CTX *libctx, const char *propq, unsigned int flags);

/*
 * The same for a private key that only `engine` has: `public_key` is its public half, and calls name the engine, whatever
 * openssl_setEngine and openssl_setOperations say, and carry `handle`. free_handle(handle), if not NULL, is called when the
 * last user has gone, on any thread; also when this function fails. Outside a machine the key works by engine->call, at
 * once. It signs, and decrypts premaster secrets; nothing else private.
 */
EVP_PKEY *openssl_engineKey(EVP_PKEY *public_key, const OPENSSL_ENGINE *engine, void *handle, void (*free_handle)(void *handle));

/* The key that an offloaded one holds, borrowed; NULL if `key` is none. Any thread. */
EVP_PKEY *openssl_offloadedKey(const EVP_PKEY *key);

/*
 * Makes a library context for SSL_CTX_new_ex, so that not only what concerns an offloaded key becomes an ENGINE_CALL but
 * every OPENSSL_OPERATION_*: key shares of X25519, X448, EC and DH groups, and whatever is done with RSA, RSA-PSS, EC,
 * Ed25519 and Ed448 keys. They are executed where they would have been without it: in `libctx` (NULL: the default one),
 * which stays as it is, with its providers and default properties, and with `propq`. For all else the new context has the
 * providers that are active in `libctx`. `config`, a file as for OSSL_LIB_CTX_load_config, or NULL, is loaded into it
 * first: name it when those providers need it, as the FIPS provider does. Default properties other than fips=yes are
 * given to SSL_CTX_new_ex. Freed by openssl_freeOffloadContext (NULL is ignored), after all that was made of it; libctx
 * outlives it. Any thread. Fails without memory, and if a provider cannot be loaded.
 */
OSSL_LIB_CTX *openssl_newOffloadContext(OSSL_LIB_CTX *libctx, const char *propq, const char *config);
void openssl_freeOffloadContext(OSSL_LIB_CTX *context);

/*
 * Which operations become calls, a set of OPENSSL_OPERATION_BIT()s; the others are executed in place, without an event. Of
 * the connections that will be made of the context, and of one. OPENSSL_OPERATIONS_ALL unless set. setContextOperations
 * fails without memory.
 */
int openssl_setContextOperations(SSL_CTX *context, unsigned int operations);
void openssl_setOperations(openssl_t *tls, unsigned int operations);

/* ---- Completions: executed calls come home to the thread that has the connection ---------------------------------------- */

/*
 * A queue for one collecting thread, and any number of posting ones. Free it when nobody posts any more (with engine_workers:
 * after openssl_drainWorkers or openssl_freeWorkers): what it still holds is returned by openssl_returnEvent, on this thread,
 * which must have those connections. NULL is ignored.
 */
openssl_completions_t *openssl_newCompletions(void);
void openssl_freeCompletions(openssl_completions_t *q);

/*
 * A queue that keeps nothing: take(arg, event) gets each event at once, on the thread that posts it, and holds it from then
 * on; the post touches it no more. For who wakes those that wait in a way of its own. Must not block. openssl_completionFd
 * is -1, and there is nothing to collect. Freed when nobody posts any more.
 */
openssl_completions_t *openssl_newCompletionHandler(void (*take)(void *arg, OPENSSL_EVENT *e), void *arg);

/*
 * An eventfd, readable while something is to be collected, and perhaps once more, when an event was collected before its post
 * had ended; for poll, epoll, io_uring. The queue's own: do not read or close it.
 */
int openssl_completionFd(const openssl_completions_t *q);

/* Hands over an event, on any thread. Never refused, never blocks, no allocation: the place is in the event. */
void openssl_postCompletion(openssl_completions_t *q, OPENSSL_EVENT *e);

/* The oldest event posted, or NULL. The collecting thread then asks openssl_owner, and gives it back by openssl_returnEvent. */
OPENSSL_EVENT *openssl_collectCompletion(openssl_completions_t *q);

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
 * fetched from the default library context: do not prepare a context whose records must be another provider's work.
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
    OPENSSL_PATH_REASON_SUITE,         /* another version, cipher or compression */
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

/* ---- Stacks ------------------------------------------------------------------------------------------------------------- */

/*
 * A step that waits for a call keeps a stack of its own. At most `limit` exist in the process (30,000 unless set; two of
 * the kernel's vm.max_map_count mappings each); a step that gets none fails its connection with STACK_LIMIT. Any thread.
 */
void openssl_setStackLimit(unsigned int limit);
unsigned int openssl_stacks(void); /* that exist now, in use or kept for use. Any thread. */

#ifdef __cplusplus
}
#endif

#endif
