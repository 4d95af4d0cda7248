/*
 * One connection, both APIs: the network core of a program has moved to events, while modules of it still call SSL_read and
 * SSL_write on the same SSL. For programs that link the layer statically (//compat:compat), in front of libssl.
 *
 * The core owns the connection and its loop; the modules see a non-blocking SSL whose bytes appear when the core says so:
 *
 *     tls = openssl_new(ssl);
 *     openssl_enableClassic(tls);
 *     ...
 *     while ((e = openssl_getEvent(tls)) != NULL)
 *         switch (e->kind) {
 *         case OPENSSL_CLEARTEXT_OUT_KIND:
 *         case OPENSSL_STATUS_OUT_KIND:
 *             openssl_giveClassic(tls, e);
 *             module_readable(openssl_ssl(tls));          // calls SSL_read until WANT_READ, and SSL_write
 *             break;
 *         ...                                             // RECORD_OUT and ENGINE_CALL_OUT as ever
 *
 * On such an SSL, outside of callbacks, SSL_read(_ex), SSL_peek(_ex), SSL_write(_ex), SSL_pending, SSL_has_pending,
 * SSL_do_handshake, SSL_connect, SSL_accept, SSL_shutdown, SSL_get_error and SSL_want have the results that a non-blocking
 * SSL has; all of them answer at once and call no callback. Everything else goes to libssl as it is. The modules must not
 * set another BIO, descriptor or state. The conventions of openssl_event.h hold.
 */
#ifndef COMPAT_COMPAT_H
#define COMPAT_COMPAT_H

#include "openssl_event/openssl_event.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * From here on the classic functions on the connection's SSL work by its events. Once, on the connection's thread, before
 * its end. Fails without memory. What it holds is freed with the SSL.
 */
int openssl_enableClassic(openssl_t *tls);

/*
 * Gives the modules an event that openssl_getEvent has just handed out: a CLEARTEXT_OUT, whose bytes SSL_read takes and
 * which then goes back by itself, or a STATUS_OUT, which tells them of the end. The caller no longer holds it. Fails, and
 * the caller holds the event still, for any other event, and before openssl_enableClassic.
 */
int openssl_giveClassic(openssl_t *tls, OPENSSL_EVENT *e);

/* SSL_write takes a block while the machine has less than this to send (bytes); then it answers WANT_WRITE. */
#define OPENSSL_CLASSIC_MAX_UNSENT 65536

#ifdef __cplusplus
}
#endif

#endif
