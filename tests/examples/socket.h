// Blocking sockets of the loopback address.
#ifndef TESTS_EXAMPLES_SOCKET_H
#define TESTS_EXAMPLES_SOCKET_H

// Connected to the loopback address; every read and write has a limit of time. A failure is one of the test.
int connect_to_loopback(int port);

// Listens at a port that was free, which `port` is then.
int listen_on_loopback(int& port);

#endif
