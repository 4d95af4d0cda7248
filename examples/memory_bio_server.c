/*
 * The HTTPS server that an article of 2008 built on memory BIOs ("SSL Server with OpenSSL Memory BIO, a.k.a. Prerequisite to
 * Asynchronous OpenSSL"), on events: blocking sockets, one connection at a time, a certificate made in memory, one fixed
 * reply, and an end by a request for /quit. What the article found difficult, renegotiation in the middle of whatever else
 * is going on, needs no line here but the one that allows it: the machine goes back to where it was.
 *
 *     memory_bio_server [--port N]     8443 unless given; 0: any, printed
 *     openssl s_client -tls1_2 -connect 127.0.0.1:8443          and then R
 */
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "examples/network.h"
#include "examples/self_signed.h"
#include "openssl_event/openssl_event.h"

enum { MOST_REQUEST = 8192, REPLY_SIZE = 14 };

struct connection {
    int fd;
    openssl_t *tls;
    char request[MOST_REQUEST + 1];
    size_t len;
    int quit;  /* the server is to end after this connection */
    int ended; /* nothing more to do here */
};

static void answer(struct connection *c) {
    const int keep = strstr(c->request, " HTTP/1.1\r\n") && !strstr(c->request, "Connection: close");
    char text[256];
    if (strncmp(c->request, "GET /quit", 9) == 0) c->quit = 1;
    const int len = snprintf(text, sizeof text,
                             "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n%s\r\nthis is a test",
                             REPLY_SIZE, keep && !c->quit ? "" : "Connection: close\r\n");
    OPENSSL_EVENT *e = openssl_newCleartextInEvent(text, (size_t)len);
    if (!e || !openssl_putEvent(c->tls, e)) c->ended = 1;
    if (!keep || c->quit) openssl_closeOutput(c->tls);
}

/* Requests end with an empty line. Several may come at once, and each in as many pieces as it likes. */
static void use_cleartext(struct connection *c, const char *buf, int len) {
    for (int i = 0; i < len && !(openssl_closed(c->tls) & OPENSSL_CLOSED_OUT); i++) {
        if (c->len == MOST_REQUEST) c->len = 0; /* too long to be one */
        c->request[c->len++] = buf[i];
        c->request[c->len] = '\0';
        if (c->len < 4 || strcmp(c->request + c->len - 4, "\r\n\r\n") != 0) continue;
        answer(c);
        c->len = 0;
    }
}

static void use_status(struct connection *c, const OPENSSL_STATUS *status) {
    OPENSSL_NEGOTIATED n;
    switch (status->status) {
    case OPENSSL_STATUS_HANDSHAKE_DONE:
        if (openssl_negotiated(c->tls, &n)) printf("Handshake has been finished: %s %s\n", n.protocol, n.cipher);
        fflush(stdout);
        break;
    case OPENSSL_STATUS_CLOSE_NOTIFY: openssl_closeOutput(c->tls); break;
    case OPENSSL_STATUS_OUTPUT_CLOSED: c->ended = 1; break;
    case OPENSSL_STATUS_ERROR:
        fprintf(stderr, "connection ended: %s\n", status->text);
        c->ended = 1;
        break;
    }
}

static void take_events(struct connection *c) {
    OPENSSL_EVENT *e;
    while ((e = openssl_getEvent(c->tls)) != NULL) {
        switch (e->kind) {
        case OPENSSL_ENGINE_CALL_OUT_KIND: e->e.engine->call(e); openssl_putEvent(c->tls, e); break;
        case OPENSSL_CLEARTEXT_OUT_KIND: use_cleartext(c, e->c.buf, e->c.len); openssl_putEvent(c->tls, e); break;
        case OPENSSL_RECORD_OUT_KIND: openssl_queueRecord(c->tls, e); break;
        case OPENSSL_STATUS_OUT_KIND: use_status(c, &e->s); openssl_putEvent(c->tls, e); break;
        default: openssl_freeEvent(e);
        }
    }
}

/* 0: the socket does not take it. */
static int send_records(struct connection *c) {
    struct iovec slice;
    while (openssl_gather(c->tls, &slice, 1) == 1) {
        const ssize_t n = write(c->fd, slice.iov_base, slice.iov_len);
        if (n <= 0) return 0;
        openssl_markSent(c->tls, (size_t)n);
        take_events(c); /* what has been sent makes room for more */
    }
    return 1;
}

/* Where the article fills one BIO, calls SSL_read, and empties the other. */
static void serve(struct connection *c) {
    char buf[16384];
    take_events(c);
    while (!c->ended && send_records(c)) {
        const ssize_t n = read(c->fd, buf, sizeof buf);
        if (n < 0) return;
        if (n == 0) openssl_endInput(c->tls);
        for (size_t used = 0, taken; n > 0 && used < (size_t)n; used += taken) {
            OPENSSL_EVENT *e = openssl_buildFrame(c->tls, buf + used, (size_t)n - used, &taken);
            if (e)
                openssl_putEvent(c->tls, e);
            else if (taken == 0)
                return; /* out of memory */
        }
        take_events(c);
    }
    send_records(c);
    shutdown(c->fd, SHUT_WR);
}

/* 0: it asked the server to quit. */
static int serve_next(int listener, SSL_CTX *context) {
    static struct connection c;
    c = (struct connection){.fd = accept(listener, NULL, NULL)};
    SSL *ssl = c.fd >= 0 ? SSL_new(context) : NULL;
    if (ssl) SSL_set_accept_state(ssl);
    c.tls = ssl ? openssl_new(ssl) : NULL;
    SSL_free(ssl);
    if (c.tls) {
        openssl_allowRenegotiation(c.tls, 1);
        serve(&c);
    }
    openssl_free(c.tls);
    if (c.fd >= 0) close(c.fd);
    return !c.quit;
}

int main(int argc, char **argv) {
    const int port = port_of_arguments(argc, argv, 8443, "It serves one connection at a time, and ends by a request for /quit.");
    signal(SIGPIPE, SIG_IGN);
    SSL_CTX *context = make_server_context(2048);
    if (!context) {
        ERR_print_errors_fp(stderr);
        return EXIT_FAILURE;
    }
    SSL_CTX_set_options(context, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
    const int listener = listen_on_loopback("memory_bio_server", port, 0);
    while (listener >= 0 && serve_next(listener, context)) {
    }
    if (listener >= 0) close(listener);
    SSL_CTX_free(context);
    return listener >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
