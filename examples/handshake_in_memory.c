/*
 * A TLS client and a TLS server in one process, without a socket: the records of each are carried to the other by hand,
 * and every event is printed. Run it to see what a handshake is made of:
 *
 *     server  put  RECORD_IN 313 bytes handshake            the ClientHello goes into the server's machine
 *     server  get  ENGINE_CALL_OUT SIGN (RSA-2048 ...)      the server asks for its signature: who executes it is up to you
 *     server  put  ENGINE_CALL_IN SIGN (...), done          the signature goes back, and the handshake goes on
 *
 * "put" is what the application gives to a machine, "get" is what it takes out of one.
 */
#define _POSIX_C_SOURCE 200809L
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/self_signed.h"
#include "openssl_event/openssl_event.h"

struct side {
    const char *name;
    openssl_t *tls;
    struct side *peer;
    int established, peer_closed, failed;
};

static void print_event(void *arg, openssl_t *tls, int direction, const OPENSSL_EVENT *e) {
    const struct side *side = arg;
    char text[256];
    (void)tls;
    printf("%s  %s  %s\n", side->name, direction == OPENSSL_TRACE_PUT ? "put" : "get", openssl_describe(e, text, sizeof text));
}

static int put_cleartext(struct side *side, const char *text) {
    OPENSSL_EVENT *e = openssl_newCleartextInEvent(text, strlen(text));
    return e && openssl_putEvent(side->tls, e);
}

/* What the network would do: a record that comes out of one machine goes into the other. */
static void carry(struct side *from, OPENSSL_EVENT *record) {
    OPENSSL_EVENT *copy = openssl_newRecordInEvent(record->r.buf, (size_t)record->r.len);
    if (!copy || !openssl_putEvent(from->peer->tls, copy)) from->failed = 1;
    openssl_putEvent(from->tls, record);
}

/* The client greets and closes its side; the server answers until then. */
static void note_status(struct side *side, const OPENSSL_STATUS *status, int is_client) {
    if (status->status == OPENSSL_STATUS_HANDSHAKE_DONE) side->established = 1;
    if (status->status == OPENSSL_STATUS_HANDSHAKE_DONE && is_client) {
        if (!put_cleartext(side, "Hello, is anybody there?")) side->failed = 1;
    }
    if (status->status == OPENSSL_STATUS_CLOSE_NOTIFY) {
        side->peer_closed = 1;
        openssl_closeOutput(side->tls);
    }
    if (status->status == OPENSSL_STATUS_ERROR) side->failed = 1;
}

static void use_cleartext(struct side *side, const OPENSSL_CLEARTEXT *c, int is_client) {
    printf("%s  has  \"%.*s\"\n", side->name, c->len, c->buf);
    if (is_client)
        openssl_closeOutput(side->tls);
    else if (!put_cleartext(side, "Yes, and nobody else can hear us."))
        side->failed = 1;
}

/* Takes events out of one machine until there is nothing more to do; returns how many there were. */
static int run(struct side *side, int is_client) {
    OPENSSL_EVENT *e;
    int count = 0;
    for (; (e = openssl_getEvent(side->tls)) != NULL; count++) {
        switch (e->kind) {
        case OPENSSL_ENGINE_CALL_OUT_KIND:
            e->e.engine->call(e);
            openssl_putEvent(side->tls, e);
            break;
        case OPENSSL_RECORD_OUT_KIND:
            carry(side, e);
            break;
        case OPENSSL_CLEARTEXT_OUT_KIND:
            use_cleartext(side, &e->c, is_client);
            openssl_putEvent(side->tls, e);
            break;
        case OPENSSL_STATUS_OUT_KIND:
            note_status(side, &e->s, is_client);
            openssl_putEvent(side->tls, e);
            break;
        default: /* RECORD_IN, CLEARTEXT_IN: ours, back from the machine */
            openssl_freeEvent(e);
        }
    }
    return count;
}

static int open_side(struct side *side, SSL_CTX *context, int is_client) {
    SSL *ssl = SSL_new(context);
    if (!ssl) return 0;
    if (is_client)
        SSL_set_connect_state(ssl);
    else
        SSL_set_accept_state(ssl);
    side->tls = openssl_new(ssl);
    SSL_free(ssl); /* the machine has a reference of its own */
    if (!side->tls) return 0;
    openssl_setTrace(side->tls, print_event, side);
    return 1;
}

static void print_negotiated(const struct side *side) {
    OPENSSL_NEGOTIATED n;
    if (openssl_negotiated(side->tls, &n)) printf("\nNegotiated %s, %s, group %s.\n", n.protocol, n.cipher, n.group);
}

static int talk(SSL_CTX *client_context, SSL_CTX *server_context) {
    struct side client = {.name = "client"}, server = {.name = "server"};
    client.peer = &server;
    server.peer = &client;
    int ok = open_side(&client, client_context, 1) && open_side(&server, server_context, 0);
    while (ok && run(&client, 1) + run(&server, 0) > 0) ok = !client.failed && !server.failed;
    ok = ok && client.established && server.established && client.peer_closed && server.peer_closed;
    if (ok) print_negotiated(&server);
    openssl_free(client.tls);
    openssl_free(server.tls);
    return ok;
}

int main(int argc, char **argv) {
    if (argc > 1) {
        const int help = strcmp(argv[1], "--help") == 0;
        fputs("usage: handshake_in_memory\nIt prints the events of a client and a server that talk in memory.\n", help ? stdout : stderr);
        return help ? EXIT_SUCCESS : 2;
    }
    /* A real client verifies the server's certificate: SSL_CTX_set_verify and a host name, as usual. */
    SSL_CTX *client_context = SSL_CTX_new(TLS_client_method());
    SSL_CTX *server_context = make_server_context(2048);
    int ok = client_context && server_context && talk(client_context, server_context);
    SSL_CTX_free(client_context);
    SSL_CTX_free(server_context);
    if (!ok) ERR_print_errors_fp(stderr);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
