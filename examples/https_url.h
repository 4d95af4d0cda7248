/* An https URL, in the parts that a client needs. */
#ifndef EXAMPLES_HTTPS_URL_H
#define EXAMPLES_HTTPS_URL_H

/* Zero-initialise it. */
struct https_url {
    char *authority, *port, *path, *query; /* as written, or what is meant without */
    char host[254];                        /* the authority, without the brackets of an IPv6 address; RFC 1035 2.3.4 */
};

/* 1 if the text is one (RFC 3986); then https_url_clear() frees what it has. */
int https_url_parse(struct https_url *url, const char *text);
void https_url_clear(struct https_url *url);

#endif
