#include "examples/http_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What follows the name and its colon; NULL: there is no such field. */
static const char *find_field(const char *head, const char *name) {
    const size_t len = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':') return line + 3 + len;
    return NULL;
}

/* 0: it is no number. -1 if there is none. */
static int find_length(const char *head, long long *length) {
    const char *field = find_field(head, "Content-Length");
    *length = -1;
    if (!field) return 1;
    const char *digits = field + strspn(field, " \t");
    const size_t count = strspn(digits, "0123456789");
    const size_t rest = count + strspn(digits + count, " \t");
    errno = 0;
    *length = strtoll(digits, NULL, 10);
    return count > 0 && errno == 0 && strchr("\r", digits[rest]);
}

const char *http_answer_body(struct http_answer *answer, const char *bytes, size_t len, size_t *body_len) {
    if (!answer->head_ended) {
        const size_t room = HTTP_MOST_HEAD - answer->head_len, part = len < room ? len : room;
        const size_t before = answer->head_len;
        memcpy(answer->head + before, bytes, part);
        answer->head_len += part;
        answer->head[answer->head_len] = '\0';
        if (strncmp(answer->head, "HTTP/1.", answer->head_len < 7 ? answer->head_len : 7) != 0) return NULL;
        char *end = strstr(answer->head, "\r\n\r\n");
        if (!end && answer->head_len == HTTP_MOST_HEAD) return NULL;
        if (!end) {
            *body_len = 0;
            return bytes;
        }
        const size_t head_part = (size_t)(end + 4 - answer->head) - before;
        *end = '\0';
        answer->head_ended = 1;
        /* Who asks by HTTP/1.0 is sent no chunks (RFC 9112 6.1); they must not pass for the body. */
        if (!find_length(answer->head, &answer->length) || find_field(answer->head, "Transfer-Encoding")) return NULL;
        bytes += head_part;
        len -= head_part;
    }
    if (answer->length >= 0 && (long long)len > answer->length - answer->got) len = (size_t)(answer->length - answer->got);
    answer->got += (long long)len;
    *body_len = len;
    return bytes;
}

int http_answer_whole(const struct http_answer *answer, int in_order) {
    if (!answer->head_ended) return 0;
    return answer->length >= 0 ? answer->got >= answer->length : in_order;
}
