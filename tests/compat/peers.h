// A client and a server over TCP on the loopback, non-blocking, both in the test's process and thread.
#ifndef TESTS_COMPAT_PEERS_H
#define TESTS_COMPAT_PEERS_H

#include <openssl/ssl.h>

#include "tests/support/contexts.h"

namespace openssl_event::testing {

struct Peers {
  enum class Sockets { watched, unwatched };  // by an epoll that nobody waits for
  explicit Peers(int version = TLS1_3_VERSION, KeyType key = KeyType::kEcP256, Sockets sockets = Sockets::watched);
  ~Peers();
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  // Both ends anew, each of another context, before the handshake.
  void begin_anew(SSL_CTX* server_side, SSL_CTX* client_side);
  // Until the server's private-key operation is out, or would be: what its SSL_accept answered then.
  int accept_until_it_signs();
  // Both sides in turn, with poll in between. True: both handshakes have finished.
  bool finish();
  // One byte each way.
  bool talk();
  bool connect() { return finish() && talk(); }
  // Bytes from the server that the client has not read.
  int on_the_wire() const;
  void set_blocking(bool blocking);

  Context server_context, client_context;
  int client_fd = -1, server_fd = -1;
  Ssl client, server;
};

}  // namespace openssl_event::testing

#endif
