// Two ends whose data the layer moves, and what scenarios do with them.
#ifndef TESTS_COMPAT_DIFFERENTIAL_PATH_SETUP_H
#define TESTS_COMPAT_DIFFERENTIAL_PATH_SETUP_H

#include <memory>
#include <string>
#include <vector>

#include "tests/compat/differential/setup.h"

namespace openssl_event::testing {

// Renegotiation of TLS 1.2 is forbidden: else libssl keeps its records.
struct Ready {
  explicit Ready(const Setup& setup, const char* suite = nullptr)
      : server(server_context(setup)), client(client_context(setup)) {
    for (SSL_CTX* ctx : {server.get(), client.get()}) {
      SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
      if (suite)
        setup.version == TLS1_3_VERSION ? SSL_CTX_set_ciphersuites(ctx, suite) : SSL_CTX_set_cipher_list(ctx, suite);
    }
    connection = std::make_unique<Connection>(setup, client.get(), server.get());
    connection->handshake();
  }
  ContextPointer server, client;
  std::unique_ptr<Connection> connection;
};

// Application data both ways, so that all that shall be taken over is.
inline void talk(Connection& c) {
  c.transfer(c.client, c.server, 30);
  c.transfer(c.server, c.client, 50);
}

// Both sides read until all that is on its way has arrived.
inline void settle(Connection& c) {
  for (int i = 0; i < 4; ++i)
    for (Side* side : {&c.client, &c.server}) {
      while (side->deliver(c.chunk)) side->read("SSL_read", 1000);
      side->read("SSL_read", 1000);
      exchange(c.client, c.server);
    }
}

inline void close_both(Connection& c) {
  c.client.shutdown();
  c.server.shutdown();
  exchange(c.client, c.server);
  for (Side* side : {&c.client, &c.server}) {
    side->deliver(0);
    side->shutdown();
    side->read("SSL_read", 10);
    side->write("SSL_write", "too late");
  }
}

inline std::vector<const char*> suites(const Setup& setup) {
  if (setup.version == TLS1_3_VERSION)
    return {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
            "TLS_AES_128_CCM_SHA256"};
  return {"AES128-GCM-SHA256:ECDHE+AESGCM+AES128", "ECDHE+AESGCM+AES256", "ECDHE+CHACHA20", "ECDHE+AESCCM:AES128-CCM",
          "ECDHE+AES128+SHA1:AES128-SHA"};
}

inline void update_key(Side& side, int type) {
  side.call("SSL_key_update", [&] { return long{SSL_key_update(side.ssl(), type)}; });
}

}  // namespace openssl_event::testing

#endif
