/*
 * TLS on a stream of libuv's: connect or accept as usual, hand over the stream, and get cleartext by callbacks.
 *
 *     uv_tcp_connect(...);                                     when it has connected:
 *     tls = openssl_newUv((uv_stream_t *)&tcp, ssl, &callbacks, NULL, user);
 *     openssl_uvWrite(tls, request, length);                   at once, or in callbacks.established
 *
 * The adapter reads when the machine wants records, and writes whatever it has to send: there is nothing to poll, no BIO,
 * and no state of the handshake to keep. All functions and callbacks are for the loop's thread. A callback may call any
 * of the functions. The conventions of openssl_event.h hold here too.
 */
#ifndef ADAPTERS_UV_OPENSSL_UV_H
#define ADAPTERS_UV_OPENSSL_UV_H

#include <stddef.h>
#include <uv.h>

#include "engine_workers/engine_workers.h"
#include "openssl_event/openssl_event.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct openssl_uv_st openssl_uv_t;
typedef struct openssl_uv_calls_st openssl_uv_calls_t;

/* Any may be NULL but `closed`. Zero-initialise it. It stays valid until `closed`. */
typedef struct OPENSSL_uv_callbacks_st {
    /* The handshake has finished: openssl_negotiated(openssl_uvMachine(tls), ...) tells the outcome. */
    void (*established)(openssl_uv_t *tls);

    /* Bytes of the peer's, valid until it returns. Not called while paused. */
    void (*received)(openssl_uv_t *tls, const char *bytes, size_t len);

    /* The peer has closed its side in order (close_notify): no more is received. What is written still goes out. */
    void (*ended)(openssl_uv_t *tls);

    /* All that was written has been taken by the system. */
    void (*drained)(openssl_uv_t *tls);

    /*
     * The last one, once, also after openssl_uvClose: `tls` is gone when it returns, and the stream is closed and the
     * caller's again. error 0: both sides have closed in order, or openssl_uvClose was called. Else a code of libuv's
     * (UV_ECONNRESET ...; UV_EPROTO: TLS ended it; UV_EOF: the peer vanished without close_notify), and `why` is one
     * line for people. `why` is "" without an error.
     */
    void (*closed)(openssl_uv_t *tls, int error, const char *why);
} OPENSSL_UV_CALLBACKS;

/*
 * Begins TLS on a connected stream, as client or server, as `ssl` says: it is configured as for openssl_new, and stays the
 * caller's reference. The stream is the adapter's until `closed`, its data field too. calls NULL: engine calls are
 * executed in place; else it outlives the connection. NULL without memory or when openssl_new fails: then the stream is
 * the caller's still, open.
 */
openssl_uv_t *openssl_newUv(uv_stream_t *stream, SSL *ssl, const OPENSSL_UV_CALLBACKS *callbacks,
                            openssl_uv_calls_t *calls, void *user);

void *openssl_uvUser(const openssl_uv_t *tls);

/* For inspection: openssl_negotiated, openssl_ssl. Borrowed; valid until `closed` returns. */
openssl_t *openssl_uvMachine(const openssl_uv_t *tls);

/* Copies the bytes and sends them, after the handshake. 0, or UV_ENOMEM, or UV_EPIPE when the output has been closed. */
int openssl_uvWrite(openssl_uv_t *tls, const void *bytes, size_t len);

/* How many bytes of those written have not been taken by the system yet: stop writing, or reading, when it grows. */
size_t openssl_uvUnsent(const openssl_uv_t *tls);

/* Holds back `received`, and with it, after some 100 KiB, the peer; and goes on. */
void openssl_uvPause(openssl_uv_t *tls);
void openssl_uvResume(openssl_uv_t *tls);

/* close_notify after all that was written. The peer may go on sending; when it has ended too, all is closed. Idempotent. */
void openssl_uvCloseOutput(openssl_uv_t *tls);

/* Closes at once, whatever is unsent. Idempotent. */
void openssl_uvClose(openssl_uv_t *tls);

/*
 * Sends the engine calls of a loop's connections to workers, and takes them back: by a handle of the loop's, which does
 * not keep it alive. NULL without memory. Closed when its connections have closed and before the workers are freed;
 * openssl_uvCloseCalls first waits for the calls of connections that were freed (openssl_drainWorkers), and its memory
 * goes with the next turn of the loop.
 */
openssl_uv_calls_t *openssl_newUvCalls(uv_loop_t *loop, openssl_workers_t *workers);
void openssl_uvCloseCalls(openssl_uv_calls_t *calls);

#ifdef __cplusplus
}
#endif

#endif
