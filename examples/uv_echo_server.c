/*
 * An echo server on libuv: every byte that a client sends comes back to it. Signatures are made by workers.
 *
 *     uv_echo_server [--port N]        4433 unless given; 0: any, printed. Loopback only.
 *     openssl s_client -quiet -connect 127.0.0.1:4433
 */
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/uv/openssl_uv.h"
#include "examples/network.h"
#include "examples/self_signed.h"

enum { BACKLOG = 128, MOST_UNSENT = 64 * 1024, GRACE_MILLISECONDS = 5000 };

struct client {
    uv_tcp_t stream;
    openssl_uv_t *tls;
    struct client *next, **link; /* among the server's */
};

struct server {
    uv_tcp_t listener;
    uv_signal_t signals[2];
    uv_timer_t grace;
    SSL_CTX *context;
    openssl_workers_t *workers;
    openssl_uv_calls_t *calls;
    struct client *clients;
};

/* A client that sends faster than it reads is held back. What comes after our close_notify has no answer. */
static void received(openssl_uv_t *tls, const char *bytes, size_t len) {
    const int error = openssl_uvWrite(tls, bytes, len);
    if (error && error != UV_EPIPE) openssl_uvClose(tls);
    if (openssl_uvUnsent(tls) > MOST_UNSENT) openssl_uvPause(tls);
}

static void closed(openssl_uv_t *tls, int error, const char *why) {
    struct client *client = openssl_uvUser(tls);
    if (error) fprintf(stderr, "connection ended: %s\n", why);
    *client->link = client->next;
    if (client->next) client->next->link = client->link;
    free(client);
}

static const OPENSSL_UV_CALLBACKS callbacks = {
    .received = received,
    .ended = openssl_uvCloseOutput,
    .drained = openssl_uvResume,
    .closed = closed,
};

static void close_and_free(uv_handle_t *stream) { free(stream); }

static void connected(uv_stream_t *listener, int error) {
    struct server *server = listener->data;
    struct client *client = error ? NULL : calloc(1, sizeof *client);
    if (!client) return;
    uv_tcp_init(listener->loop, &client->stream);
    SSL *ssl = SSL_new(server->context);
    if (ssl) SSL_set_accept_state(ssl);
    uv_stream_t *stream = (uv_stream_t *)&client->stream;
    if (ssl && uv_accept(listener, stream) == 0)
        client->tls = openssl_newUv(stream, ssl, &callbacks, server->calls, client);
    SSL_free(ssl); /* the connection has a reference of its own */
    if (!client->tls) {
        uv_close((uv_handle_t *)stream, close_and_free); /* the client begins with its stream */
        return;
    }
    client->next = server->clients;
    client->link = &server->clients;
    if (client->next) client->next->link = &client->next;
    server->clients = client;
}

static void close_clients(uv_timer_t *grace) {
    const struct server *server = grace->data;
    for (struct client *client = server->clients; client; client = client->next) openssl_uvClose(client->tls);
}

/* What has come is echoed, then each connection is closed in order; those that take too long, at once. */
static void stop(uv_signal_t *signal, int number) {
    struct server *server = signal->data;
    (void)number;
    uv_close((uv_handle_t *)&server->listener, NULL);
    for (int i = 0; i < 2; i++) uv_close((uv_handle_t *)&server->signals[i], NULL);
    for (struct client *client = server->clients; client; client = client->next) openssl_uvCloseOutput(client->tls);
    uv_timer_start(&server->grace, close_clients, GRACE_MILLISECONDS, 0);
    uv_unref((uv_handle_t *)&server->grace); /* the loop ends with the last connection */
}

/* Listens on the loopback address and prints where. */
static int begin(struct server *server, uv_loop_t *loop, int port) {
    struct sockaddr_in address;
    int size = sizeof address, error;
    static const int numbers[] = {SIGINT, SIGTERM};
    uv_ip4_addr("127.0.0.1", port, &address);
    uv_tcp_init(loop, &server->listener);
    server->listener.data = server;
    if ((error = uv_tcp_bind(&server->listener, (const struct sockaddr *)&address, 0)) != 0 ||
        (error = uv_listen((uv_stream_t *)&server->listener, BACKLOG, connected)) != 0 ||
        (error = uv_tcp_getsockname(&server->listener, (struct sockaddr *)&address, &size)) != 0) {
        fprintf(stderr, "uv_echo_server: cannot listen on 127.0.0.1:%d: %s\n", port, uv_strerror(error));
        return 0;
    }
    uv_timer_init(loop, &server->grace);
    server->grace.data = server;
    for (int i = 0; i < 2; i++) {
        uv_signal_init(loop, &server->signals[i]);
        server->signals[i].data = server;
        uv_signal_start(&server->signals[i], stop, numbers[i]);
    }
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return 1;
}

int main(int argc, char **argv) {
    const int port = port_of_arguments(argc, argv, 4433, "It sends back whatever a client sends.");
    signal(SIGPIPE, SIG_IGN);
    uv_loop_t *loop = uv_default_loop();
    struct server server = {.context = make_server_context(2048), .workers = openssl_newWorkers(NULL)};
    if (server.workers) server.calls = openssl_newUvCalls(loop, server.workers);
    if (!server.context || !server.calls) {
        ERR_print_errors_fp(stderr);
        return EXIT_FAILURE;
    }
    const int begun = begin(&server, loop, port);
    if (begun) {
        uv_run(loop, UV_RUN_DEFAULT);
        uv_close((uv_handle_t *)&server.grace, NULL);
    }
    openssl_uvCloseCalls(server.calls);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    openssl_freeWorkers(server.workers);
    SSL_CTX_free(server.context);
    return begun ? EXIT_SUCCESS : EXIT_FAILURE;
}
