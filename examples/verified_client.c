#include "examples/verified_client.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

SSL_CTX *verified_context(const char *authorities) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context) return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (authorities ? SSL_CTX_load_verify_file(context, authorities) : SSL_CTX_set_default_verify_paths(context)) return context;
    SSL_CTX_free(context);
    return NULL;
}

static int expect_host(SSL *ssl, const char *host) {
    unsigned char address[16];
    const int numeric = inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
    if (numeric) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
    return X509_VERIFY_PARAM_set1_host(SSL_get0_param(ssl), host, 0) && SSL_set_tlsext_host_name(ssl, host);
}

SSL *verified_ssl(SSL_CTX *context, const char *host) {
    static const unsigned char alpn[] = "\x08http/1.1";
    SSL *ssl = SSL_new(context);
    if (!ssl || !expect_host(ssl, host) || SSL_set_alpn_protos(ssl, alpn, sizeof alpn - 1) != 0) {
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_connect_state(ssl);
    return ssl;
}
