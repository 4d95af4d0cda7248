/*
 * Where TLS records begin and end in a stream, and what its hellos say: a parser in the manner of llhttp's, for whoever
 * watches or relays connections of others. No state machine, no keys, no allocation, no I/O, no global state. Any thread,
 * each parser by one at a time.
 *
 *     static int on_record(OPENSSL_RECORD_PARSER *p) { printf("%u bytes\n", p->length); return 0; }
 *     static const OPENSSL_RECORD_CALLBACKS callbacks = {sizeof callbacks, on_record};
 *
 *     OPENSSL_RECORD_PARSER parser;
 *     openssl_initRecordParser(&parser, &callbacks, NULL);
 *     while ((n = read(fd, buf, sizeof buf)) > 0)
 *         if (openssl_parseRecords(&parser, buf, (size_t)n) != (size_t)n) break;   // parser.error says why
 */
#ifndef OPENSSL_EVENT_OPENSSL_RECORDS_H
#define OPENSSL_EVENT_OPENSSL_RECORDS_H

#include "openssl_event/openssl_event.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct OPENSSL_record_parser_st OPENSSL_RECORD_PARSER;

/*
 * Called while bytes are parsed, in the order of the stream; each may be NULL. They return 0 to go on; anything else
 * ends openssl_parseRecords with STOPPED, after which the next call goes on.
 */
typedef struct OPENSSL_record_callbacks_st {
    size_t size; /* sizeof(OPENSSL_RECORD_CALLBACKS) */
    int (*record)(OPENSSL_RECORD_PARSER *parser); /* a header is complete: type, version, length are set */
    int (*fragment)(OPENSSL_RECORD_PARSER *parser, const char *data, size_t len); /* bytes of it, in portions as they came */
    int (*end)(OPENSSL_RECORD_PARSER *parser); /* the record is complete */
} OPENSSL_RECORD_CALLBACKS;

enum {
    OPENSSL_PARSE_OK = 0,
    OPENSSL_PARSE_STOPPED, /* by a callback */
    OPENSSL_PARSE_NO_TLS   /* these bytes are no header of a record (RFC 8446 5.1), or announce too long a one */
};

/* Read by everybody; written by openssl_parseRecords, but for `user`. */
struct OPENSSL_record_parser_st {
    const OPENSSL_RECORD_CALLBACKS *callbacks;
    void *user;
    unsigned int type;         /* of the present record: ContentType */
    unsigned int version;      /* legacy_record_version */
    unsigned int length;       /* of its fragment */
    unsigned int left;         /* bytes of it that have not come */
    int error;                 /* OPENSSL_PARSE_* */
    unsigned long long offset; /* in the stream, of what is parsed next */
    unsigned char header[OPENSSL_RECORD_HEADER_SIZE];
    unsigned int header_len;   /* bytes of the header that have come; `offset` is behind them */
};

/* `callbacks` is borrowed for the life of the parser. There is nothing to free. */
void openssl_initRecordParser(OPENSSL_RECORD_PARSER *parser, const OPENSSL_RECORD_CALLBACKS *callbacks, void *user);

/*
 * Parses the next bytes of the stream. Returns how many it took: len, or fewer if a callback stopped it, or at bytes
 * that are no TLS (the error stays). A record may come in any number of portions, and a portion hold any number of
 * records.
 */
size_t openssl_parseRecords(OPENSSL_RECORD_PARSER *parser, const char *data, size_t len);

/* What a ServerHello says (RFC 8446 4.1.3, RFC 5246 7.4.1.3). */
typedef struct OPENSSL_server_hello_st {
    unsigned int version;      /* that was agreed on: of supported_versions, else of legacy_version */
    unsigned int cipher_suite;
    const unsigned char *alpn; /* the protocol (TLS 1.2; in TLS 1.3 it is encrypted); NULL: none */
    size_t alpn_len;
    int retry;                 /* 1: it is a HelloRetryRequest */
} OPENSSL_SERVER_HELLO;

/*
 * Parse a handshake message, from its type byte on (RFC 8446 4). Return 1 if it is a ClientHello, or ServerHello, and
 * all of it is there; `out` points into `message`. A hello may be spread over several records: join their fragments. Up
 * to `room` extensions go to `extensions`; those that follow are left out. `name`, of 256 bytes, is the memory of the
 * server name.
 */
int openssl_parseClientHello(const unsigned char *message, size_t len, OPENSSL_CLIENT_HELLO *out, OPENSSL_EXTENSION *extensions, size_t room,
                             char *name);
int openssl_parseServerHello(const unsigned char *message, size_t len, OPENSSL_SERVER_HELLO *out);

#ifdef __cplusplus
}
#endif

#endif
