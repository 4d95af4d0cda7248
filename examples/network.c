#include "examples/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_PORT = 65535 };

int parse_port(const char *text) {
    char *end = NULL;
    const long port = strtol(text, &end, 10);
    return end != text && *end == '\0' && port >= 0 && port <= MOST_PORT ? (int)port : -1;
}

static void print_usage(FILE *out, const char *program, int otherwise, const char *purpose) {
    fprintf(out, "usage: %s [--port N]   N from 0 (any free port) to %d; %d unless given\n%s\n", program, MOST_PORT, otherwise,
            purpose);
}

int port_of_arguments(int argc, char **argv, int otherwise, const char *purpose) {
    const char *slash = strrchr(argv[0], '/'), *program = slash ? slash + 1 : argv[0];
    if (argc == 1) return otherwise;
    const int port = argc == 3 && strcmp(argv[1], "--port") == 0 ? parse_port(argv[2]) : -1;
    if (port >= 0) return port;
    const int help = argc == 2 && strcmp(argv[1], "--help") == 0;
    print_usage(help ? stdout : stderr, program, otherwise, purpose);
    exit(help ? 0 : 2);
}

int listen_on_loopback(const char *program, int port, int nonblocking) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    socklen_t size = sizeof address;
    const int on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, SOMAXCONN) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) < 0) {
        fprintf(stderr, "%s: cannot listen on 127.0.0.1:%d: %s\n", program, port, strerror(errno));
        if (listener >= 0) close(listener);
        return -1;
    }
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int connect_to_host(const char *program, const char *host, const char *port) {
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    const int error = getaddrinfo(host, port, &hints, &found);
    int fd = -1;
    for (const struct addrinfo *each = found; each && fd < 0; each = each->ai_next) {
        fd = socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, each->ai_addr, each->ai_addrlen) == 0) continue;
        const int reason = errno;
        close(fd);
        errno = reason;
        fd = -1;
    }
    if (fd < 0)
        fprintf(stderr, "%s: cannot connect to %s port %s: %s\n", program, host, port,
                error ? gai_strerror(error) : strerror(errno));
    if (found) freeaddrinfo(found);
    return fd;
}
