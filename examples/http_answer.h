/* An HTTP/1.0 answer, as it comes: its head, and how much of its body. */
#ifndef EXAMPLES_HTTP_ANSWER_H
#define EXAMPLES_HTTP_ANSWER_H

#include <stddef.h>

enum { HTTP_MOST_HEAD = 65536 };

/* Zero-initialise it. */
struct http_answer {
    char head[HTTP_MOST_HEAD + 1]; /* NUL-terminated */
    size_t head_len;
    int head_ended;
    long long length; /* of the body, as the server says; -1: it ends with the connection */
    long long got;    /* of it */
};

/*
 * Takes the next bytes. Returns those of them that belong to the body, and how many (0 while the head comes); NULL when this
 * is no HTTP answer, or its head is longer than HTTP_MOST_HEAD.
 */
const char *http_answer_body(struct http_answer *answer, const char *bytes, size_t len, size_t *body_len);

/* 1 if the answer is whole, the connection having ended, `in_order` or not. */
int http_answer_whole(const struct http_answer *answer, int in_order);

#endif
