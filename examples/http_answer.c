#include "examples/http_answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static long long content_length(const char *head) {
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, "Content-Length:", 15) == 0) return strtoll(line + 17, NULL, 10);
    return -1;
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
        answer->length = content_length(answer->head);
        bytes += head_part;
        len -= head_part;
    }
    answer->got += (long long)len;
    *body_len = len;
    return bytes;
}

int http_answer_whole(const struct http_answer *answer, int in_order) {
    if (!answer->head_ended) return 0;
    return answer->length >= 0 ? answer->got >= answer->length : in_order;
}
