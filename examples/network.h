/* What the small examples do before there is a connection: the command line and the socket. */
#ifndef EXAMPLES_NETWORK_H
#define EXAMPLES_NETWORK_H

#ifdef __cplusplus
extern "C" {
#endif

/* The number of a port, 0 to 65535; -1: the text is none. */
int parse_port(const char *text);

/*
 * The port of the command line "[--port N]", or `otherwise` if it is empty. --help prints what the program does and takes;
 * anything else is explained. Both end the program, with the status 0 or 2.
 */
int port_of_arguments(int argc, char **argv, int otherwise, const char *purpose);

/*
 * Listens on the loopback address and prints where. Returns the socket, of which accept(2) blocks unless `nonblocking`; -1
 * with a message.
 */
int listen_on_loopback(const char *program, int port, int nonblocking);

/* A blocking socket that is connected to a host, by name or address, and a port; -1 with a message. */
int connect_to_host(const char *program, const char *host, const char *port);

#ifdef __cplusplus
}
#endif

#endif
