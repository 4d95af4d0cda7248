/*
 * Fetches a URL over HTTPS on libuv, and writes the body to the standard output: name lookup, connection, TLS verified
 * against the system's trust store with the server's name (SNI, RFC 6066 3) and ALPN, a request, an answer.
 *
 *     uv_client [--cacert FILE] https://HOST[:PORT][/PATH]
 *
 * What to look at: there is no call of SSL_do_handshake, SSL_read or SSL_write here, and no question when to make one. The
 * adapter reads when the machine wants records and sends whatever it has to send.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/uv/openssl_uv.h"
#include "examples/http_answer.h"
#include "examples/https_url.h"
#include "examples/verified_client.h"

enum { PROGRESS_STEP = 1 << 20, FAILED = 1, USAGE = 2 };

struct fetch {
    struct https_url url;
    SSL_CTX *context;
    uv_tcp_t stream;
    uv_connect_t connecting;
    struct addrinfo *addresses, *address; /* all, and the one that is tried */
    struct http_answer answer;
    long long told; /* how much of it the user knows of */
    int status;
};

/* "uv_client: WHAT: WHY". */
static void fail(struct fetch *f, const char *what, const char *why) {
    fprintf(stderr, "uv_client: %s: %s\n", what, why);
    f->status = FAILED;
}

/* ---- TLS ---- */

static void tell_progress(struct fetch *f) {
    const long long got = f->answer.got, length = f->answer.length;
    if (got - f->told < PROGRESS_STEP) return;
    f->told = got;
    if (length > 0) fprintf(stderr, "%lld %% of ", 100 * got / length);
    fprintf(stderr, "%lld bytes\n", length > 0 ? length : got);
}

static void received(openssl_uv_t *tls, const char *bytes, size_t len) {
    struct fetch *f = openssl_uvUser(tls);
    size_t body_len;
    const char *body = http_answer_body(&f->answer, bytes, len, &body_len);
    if (body && fwrite(body, 1, body_len, stdout) == body_len) {
        tell_progress(f);
        return;
    }
    fail(f, body ? "standard output" : f->url.host, body ? strerror(errno) : "this is no HTTP answer");
    openssl_uvClose(tls);
}

static void established(openssl_uv_t *tls) {
    const struct fetch *f = openssl_uvUser(tls);
    OPENSSL_NEGOTIATED n;
    openssl_negotiated(openssl_uvMachine(tls), &n);
    fprintf(stderr, "%s %s, %.*s, certificate of %s verified\n", n.protocol, n.cipher, n.alpn_len ? (int)n.alpn_len : 7,
            n.alpn_len ? (const char *)n.alpn : "no ALPN", f->url.host);
}

static void closed(openssl_uv_t *tls, int error, const char *why) {
    struct fetch *f = openssl_uvUser(tls);
    const long verified = SSL_get_verify_result(openssl_ssl(openssl_uvMachine(tls)));
    if (f->status == FAILED) return;
    if (fflush(stdout) != 0)
        fail(f, "standard output", strerror(errno));
    else if (http_answer_whole(&f->answer, error == 0))
        fprintf(stderr, "%.*s, %lld bytes\n", (int)strcspn(f->answer.head, "\r"), f->answer.head, f->answer.got);
    else if (error && verified != X509_V_OK)
        fail(f, "certificate not accepted (--cacert FILE trusts another authority)", X509_verify_cert_error_string(verified));
    else
        fail(f, f->url.host, error ? why : "it closed before its answer was whole");
}

static const OPENSSL_UV_CALLBACKS callbacks = {
    .established = established,
    .received = received,
    .ended = openssl_uvCloseOutput,
    .closed = closed,
};

static void begin_tls(struct fetch *f) {
    char request[4096];
    const struct https_url *url = &f->url;
    const int len = snprintf(request, sizeof request, "GET %s%s%s HTTP/1.0\r\nHost: %s:%s\r\n\r\n", url->path,
                             *url->query ? "?" : "", url->query, url->authority, url->port);
    SSL *ssl = verified_ssl(f->context, url->host);
    openssl_uv_t *tls = ssl ? openssl_newUv((uv_stream_t *)&f->stream, ssl, &callbacks, NULL, f) : NULL;
    SSL_free(ssl); /* the connection has a reference of its own */
    if (!tls) {
        fail(f, "TLS", "out of memory");
        uv_close((uv_handle_t *)&f->stream, NULL);
    } else if (len >= (int)sizeof request || openssl_uvWrite(tls, request, (size_t)len) != 0) {
        fail(f, "request", "its path is too long");
        openssl_uvClose(tls);
    }
}

/* ---- Connecting: each of the host's addresses in turn ---- */

static void try_address(struct fetch *f);

static void try_next(uv_handle_t *stream) {
    struct fetch *f = stream->data;
    f->address = f->address->ai_next;
    try_address(f);
}

static void connected(uv_connect_t *request, int error) {
    struct fetch *f = request->data;
    if (!error) {
        begin_tls(f);
    } else if (f->address->ai_next) {
        uv_close((uv_handle_t *)&f->stream, try_next);
    } else {
        fail(f, f->url.host, uv_strerror(error));
        uv_close((uv_handle_t *)&f->stream, NULL);
    }
}

static void try_address(struct fetch *f) {
    uv_tcp_init(uv_default_loop(), &f->stream);
    f->stream.data = f->connecting.data = f;
    const int error = uv_tcp_connect(&f->connecting, &f->stream, f->address->ai_addr, connected);
    if (error) connected(&f->connecting, error);
}

static void looked_up(uv_getaddrinfo_t *request, int error, struct addrinfo *addresses) {
    struct fetch *f = request->data;
    f->addresses = f->address = addresses;
    if (error)
        fail(f, f->url.host, uv_strerror(error));
    else
        try_address(f);
}

/* ---- The command line ---- */

static int usage(FILE *out) {
    fprintf(out, "usage: uv_client [--cacert FILE] https://HOST[:PORT][/PATH]\n"
                 "  --cacert FILE  trust the certificates in FILE (PEM) instead of the system's\n"
                 "  --help         print this\n"
                 "The body goes to the standard output, all else to the standard error. Exit status: 0; 1: no whole answer;\n"
                 "2: wrong command line.\n");
    return out == stdout ? 0 : USAGE;
}

int main(int argc, char **argv) {
    static struct fetch f;
    const char *authority = NULL, *url = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) return usage(stdout);
        if (strcmp(argv[i], "--cacert") == 0 && i + 1 < argc)
            authority = argv[++i];
        else if (*argv[i] != '-' && !url)
            url = argv[i];
        else
            return usage(stderr);
    }
    if (!url || !https_url_parse(&f.url, url)) return usage(stderr);
    if (fcntl(STDOUT_FILENO, F_GETFD) < 0) { /* the next descriptor would take its place */
        fail(&f, "standard output", strerror(errno));
        return f.status;
    }
    signal(SIGPIPE, SIG_IGN);
    f.context = verified_context(authority);
    if (!f.context) {
        fail(&f, authority ? authority : "the system's trust store", ERR_reason_error_string(ERR_peek_last_error()));
        return f.status;
    }
    uv_loop_t *loop = uv_default_loop();
    uv_getaddrinfo_t lookup = {.data = &f};
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    const int error = uv_getaddrinfo(loop, &lookup, looked_up, f.url.host, f.url.port, &hints);
    if (error) fail(&f, f.url.host, uv_strerror(error));
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    uv_freeaddrinfo(f.addresses);
    SSL_CTX_free(f.context);
    https_url_clear(&f.url);
    return f.status;
}
