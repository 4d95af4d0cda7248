/*
 * Dan Kegel's handleNetworkIO, from his proposal "Event-Driven SSL" of 2000, as a program: one thread, poll(), and every
 * engine call executed in place. Compare the function below with the proposal: what is new is what that left open (how
 * many bytes buildFrame took, more than one frame to send, the handle of putEvent, and STATUS).
 *
 *     kegel_poll_server [--port N]      8443 unless given; 0: any, printed
 *     curl -k https://127.0.0.1:8443/
 *
 * It answers every request with one line of text and closes.
 */
#define _POSIX_C_SOURCE 200809L
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "examples/network.h"
#include "examples/self_signed.h"
#include "openssl_event/openssl_event.h"

enum { MAX_CONNECTIONS = 64, END_OF_REQUEST = 4 };

static const char response[] =
    "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 20\r\nConnection: close\r\n\r\nHello from a machine";

struct connection {
    int fd;
    openssl_t *openssl;
    int matched; /* of the four bytes CR LF CR LF that end a request */
    int ended;   /* no more work: close it when all is sent */
};

static volatile sig_atomic_t stopped;

static void stop(int signal_number) {
    (void)signal_number;
    stopped = 1;
}

/* Answers when the blank line has come that ends a request's head. */
static void use_cleartext(struct connection *c, int len, const char *buf) {
    for (int i = 0; i < len && c->matched < END_OF_REQUEST; i++) {
        if (buf[i] == "\r\n\r\n"[c->matched])
            c->matched++;
        else
            c->matched = buf[i] == '\r';
        if (c->matched < END_OF_REQUEST) continue;
        OPENSSL_EVENT *e = openssl_newCleartextInEvent(response, sizeof response - 1);
        if (!e || !openssl_putEvent(c->openssl, e)) c->ended = 1;
        openssl_closeOutput(c->openssl);
    }
}

static void use_status(struct connection *c, const OPENSSL_STATUS *status) {
    if (status->status == OPENSSL_STATUS_ERROR) fprintf(stderr, "connection ended: %s\n", status->text);
    if (status->status == OPENSSL_STATUS_CLOSE_NOTIFY) openssl_closeOutput(c->openssl);
    if (status->status == OPENSSL_STATUS_OUTPUT_CLOSED || status->status == OPENSSL_STATUS_ERROR) c->ended = 1;
}

/* Handle network I/O for one SSL connection. Returns 0, or -1 when the connection is over. */
static int handleNetworkIO(struct connection *c, int fd, int pollevent, openssl_t *openssl) {
    OPENSSL_EVENT *e;
    char buf[4096];

    /* Read from network, if appropriate */
    if (pollevent & (POLLIN | POLLHUP | POLLERR)) {
        ssize_t nbytes = read(fd, buf, sizeof buf);
        if (nbytes < 0 && errno != EAGAIN && errno != EINTR) return -1;
        if (nbytes == 0) openssl_endInput(openssl);
        for (size_t used = 0, taken; nbytes > 0 && used < (size_t)nbytes; used += taken) {
            e = openssl_buildFrame(openssl, buf + used, (size_t)nbytes - used, &taken);
            /* If we've finished building a frame, pass it to the state machine */
            if (e)
                openssl_putEvent(openssl, e);
            else if (taken == 0)
                return -1; /* out of memory */
        }
    }

    /* Grind the SSL state machine */
    while ((e = openssl_getEvent(openssl)) != NULL) {
        switch (e->kind) {
        case OPENSSL_ENGINE_CALL_OUT_KIND:
            /* Just execute the call in this thread for simplicity */
            e->e.engine->call(e);
            /* and send result back to SSL state machine */
            assert(e->kind == OPENSSL_ENGINE_CALL_IN_KIND);
            openssl_putEvent(openssl, e);
            break;

        case OPENSSL_CLEARTEXT_OUT_KIND:
            /* SSL has finished decrypting some text for us; pass it to app */
            use_cleartext(c, e->c.len, e->c.buf);
            /* and tell SSL state machine we're done with the buffer */
            openssl_putEvent(openssl, e);
            break;

        case OPENSSL_RECORD_OUT_KIND:
            /* SSL has a record to send to the peer; remember it */
            openssl_queueRecord(openssl, e);
            break;

        case OPENSSL_STATUS_OUT_KIND:
            /* SSL has something to say about the connection */
            use_status(c, &e->s);
            openssl_putEvent(openssl, e);
            break;

        case OPENSSL_RECORD_IN_KIND:
        case OPENSSL_CLEARTEXT_IN_KIND:
            /* SSL has finished using some cleartext or an ssl record we sent it; free the buffer */
            openssl_freeEvent(e);
            break;
        }
    }

    /* Write to network, if appropriate */
    struct iovec slice;
    if ((pollevent & POLLOUT) && openssl_gather(openssl, &slice, 1) == 1) {
        /* write some more bytes from the output frame to network */
        ssize_t nbytes = write(fd, slice.iov_base, slice.iov_len);
        if (nbytes < 0 && errno != EAGAIN && errno != EINTR) return -1;
        /* if no more bytes in it, this sends the output frame back to state machine */
        if (nbytes > 0) openssl_markSent(openssl, (size_t)nbytes);
    }

    /* no error */
    return c->ended && openssl_unsent(openssl) == 0 ? -1 : 0;
}

static short events_of(const struct connection *c) {
    int events = openssl_unsent(c->openssl) ? POLLOUT : 0;
    if (openssl_wants(c->openssl) & OPENSSL_WANTS_RECORD) events |= POLLIN;
    return (short)events;
}

static void close_connection(struct connection *c) {
    openssl_free(c->openssl);
    close(c->fd);
    c->openssl = NULL;
}

static void accept_connection(struct connection *c, int listener, SSL_CTX *context) {
    int fd = accept(listener, NULL, NULL);
    SSL *ssl = fd >= 0 ? SSL_new(context) : NULL;
    if (ssl) SSL_set_accept_state(ssl);
    openssl_t *openssl = ssl ? openssl_new(ssl) : NULL;
    SSL_free(ssl);
    if (openssl && fcntl(fd, F_SETFL, O_NONBLOCK) == 0) {
        *c = (struct connection){.fd = fd, .openssl = openssl};
    } else {
        openssl_free(openssl);
        if (fd >= 0) close(fd);
    }
}

static void serve(int listener, SSL_CTX *context) {
    static struct connection connections[MAX_CONNECTIONS];
    struct pollfd fds[MAX_CONNECTIONS + 1];
    while (!stopped) {
        struct connection *vacant = NULL;
        for (int i = 0; i < MAX_CONNECTIONS; i++) {
            struct connection *c = &connections[i];
            if (!c->openssl) vacant = c;
            fds[i] = (struct pollfd){.fd = c->openssl ? c->fd : -1, .events = c->openssl ? events_of(c) : (short)0};
        }
        /* With all places taken, whoever connects waits. */
        fds[MAX_CONNECTIONS] = (struct pollfd){.fd = vacant ? listener : -1, .events = POLLIN};
        if (poll(fds, MAX_CONNECTIONS + 1, -1) < 0) continue; /* EINTR */
        for (int i = 0; i < MAX_CONNECTIONS; i++) {
            struct connection *c = &connections[i];
            if (fds[i].revents && handleNetworkIO(c, c->fd, fds[i].revents, c->openssl) < 0) close_connection(c);
        }
        if (fds[MAX_CONNECTIONS].revents) accept_connection(vacant, listener, context);
    }
    for (int i = 0; i < MAX_CONNECTIONS; i++)
        if (connections[i].openssl) close_connection(&connections[i]);
    close(listener);
}

int main(int argc, char **argv) {
    const struct sigaction on_stop = {.sa_handler = stop};
    sigaction(SIGINT, &on_stop, NULL);
    sigaction(SIGTERM, &on_stop, NULL);
    signal(SIGPIPE, SIG_IGN);
    const int port = port_of_arguments(argc, argv, 8443, "It answers every request by HTTPS with one line of text.");
    SSL_CTX *context = make_server_context(2048);
    if (!context) ERR_print_errors_fp(stderr);
    const int listener = context ? listen_on_loopback("kegel_poll_server", port, 1) : -1;
    if (listener >= 0) serve(listener, context);
    SSL_CTX_free(context);
    return listener >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
