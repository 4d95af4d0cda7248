#include "examples/https_url.h"

#include <openssl/crypto.h>
#include <openssl/http.h>
#include <string.h>

/* A space or a line's end would become one of the request's. */
static int is_visible(const char *text) {
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || *text == 0x7f) return 0;
    return 1;
}

static int find_host(struct https_url *url) {
    const int bracket = *url->authority == '[';
    const char *begin = url->authority + bracket;
    const size_t len = bracket ? strcspn(begin, "]") : strlen(begin);
    if (len == 0 || len >= sizeof url->host) return 0;
    memcpy(url->host, begin, len);
    url->host[len] = '\0';
    return 1;
}

int https_url_parse(struct https_url *url, const char *text) {
    int https = 0;
    if (is_visible(text) &&
        OSSL_HTTP_parse_url(text, &https, NULL, &url->authority, &url->port, NULL, &url->path, &url->query, NULL) && https &&
        find_host(url))
        return 1;
    https_url_clear(url);
    return 0;
}

void https_url_clear(struct https_url *url) {
    OPENSSL_free(url->authority);
    OPENSSL_free(url->port);
    OPENSSL_free(url->path);
    OPENSSL_free(url->query);
    *url = (struct https_url){.host = ""};
}
