// Scenarios of data: handshakes by every function, reads and writes of all sizes, the modes that change them.
#include <openssl/err.h>

#include "tests/compat/differential/setup.h"

using namespace openssl_event::testing;

namespace {

void handshake_by(const Setup& setup, const char* of_client, const char* of_server) {
  const ContextPointer server = server_context(setup), client = client_context(setup);
  Connection connection(setup, client.get(), server.get());
  connection.handshake(of_client, of_server);
  connection.transfer(connection.client, connection.server, 60);
  connection.transfer(connection.server, connection.client, 60);
}

}  // namespace

SCENARIO(handshake) { handshake_by(setup, "SSL_do_handshake", "SSL_do_handshake"); }
SCENARIO(connect_accept) { handshake_by(setup, "SSL_connect", "SSL_accept"); }
SCENARIO(handshake_by_read) { handshake_by(setup, "SSL_connect", "SSL_read"); }
SCENARIO(handshake_by_read_ex) { handshake_by(setup, "SSL_connect", "SSL_read_ex"); }
SCENARIO(handshake_by_peek) { handshake_by(setup, "SSL_peek", "SSL_peek_ex"); }
SCENARIO(handshake_by_write) { handshake_by(setup, "SSL_write", "SSL_write_ex"); }

// SSL_connect and SSL_accept set the role themselves.
SCENARIO(role_by_function) {
  const ContextPointer server = server_context(setup), client = client_context(setup);
  Connection connection(setup, client.get(), server.get(), false);
  connection.handshake("SSL_connect", "SSL_accept");
  connection.transfer(connection.client, connection.server, 10);
}

SCENARIO(sizes) {
  const ContextPointer server = server_context(setup), client = client_context(setup);
  Connection connection(setup, client.get(), server.get());
  connection.handshake();
  for (const std::size_t size : {0, 1, 2, 100, 16383, 16384, 16385, 40000})
    if (!setup.chunk || size < 200) connection.transfer(connection.client, connection.server, size);
  connection.client.write("SSL_write_ex", std::string(5000, 'y'));
  exchange(connection.client, connection.server);
  for (const char* function : {"SSL_peek", "SSL_peek_ex", "SSL_read", "SSL_read_ex"}) {
    connection.server.deliver(0);
    connection.server.read(function, 0);
    connection.server.read(function, 1);
    connection.server.read(function, 700);
  }
  connection.drain(connection.server, "SSL_read_ex", 333);
}

SCENARIO(modes) {
  const ContextPointer server = server_context(setup), client = client_context(setup);
  for (const long mode : {0L, long{SSL_MODE_ENABLE_PARTIAL_WRITE}, long{SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER},
                          long{SSL_MODE_AUTO_RETRY}, long{SSL_MODE_RELEASE_BUFFERS}, long{SSL_MODE_SEND_FALLBACK_SCSV}}) {
    SSL_CTX_clear_mode(client.get(), static_cast<unsigned>(~0U >> 1));
    SSL_CTX_set_mode(client.get(), mode);
    Connection connection(setup, client.get(), server.get());
    Side::say("modes " + std::to_string(SSL_CTX_get_mode(client.get())) + " " + std::to_string(SSL_get_mode(connection.client.ssl())));
    connection.handshake();
    if (!setup.chunk) connection.transfer(connection.client, connection.server, 33000);
    connection.transfer(connection.server, connection.client, 100);
  }
}

SCENARIO(read_ahead) {
  const ContextPointer server = server_context(setup), client = client_context(setup);
  SSL_CTX_set_read_ahead(server.get(), 1);
  Connection connection(setup, client.get(), server.get());
  connection.handshake();
  for (int i = 0; i < 3; ++i) connection.client.write("SSL_write", "several records at a time");
  exchange(connection.client, connection.server);
  connection.drain(connection.server, "SSL_read", 10);
}

// An entry of the program's own in the error queue before each call.
SCENARIO(stale_errors) {
  const ContextPointer server = server_context(setup), client = client_context(setup);
  Connection connection(setup, client.get(), server.get());
  const auto with_stale = [](Side& side, const char* what, long (*function)(SSL*)) {
    return side.call(what, [&] {
      ERR_raise_data(ERR_LIB_USER, 123, "stale");
      return function(side.ssl());
    });
  };
  for (int i = 0; i < 4; ++i) {
    for (Side* side : {&connection.client, &connection.server}) {
      side->deliver(0);
      with_stale(*side, "SSL_do_handshake", [](SSL* ssl) -> long { return SSL_do_handshake(ssl); });
      exchange(connection.client, connection.server);
    }
  }
  static char byte;
  with_stale(connection.server, "SSL_read", [](SSL* ssl) -> long { return SSL_read(ssl, &byte, 1); });
  with_stale(connection.server, "SSL_write", [](SSL* ssl) -> long { return SSL_write(ssl, &byte, 1); });
  with_stale(connection.server, "SSL_shutdown", [](SSL* ssl) -> long { return SSL_shutdown(ssl); });
  with_stale(connection.client, "SSL_read", [](SSL* ssl) -> long { return SSL_read(ssl, &byte, 1); });
}

// The program gives the SSL its transport anew before each call.
SCENARIO(attach_before_each_call) {
  const ContextPointer server = server_context(setup), client = client_context(setup);
  Connection connection(setup, client.get(), server.get());
  for (int i = 0; i < 6; ++i)
    for (Side* side : {&connection.client, &connection.server}) {
      side->deliver(0);
      side->transport().attach(side->ssl());
      side->handshake("SSL_do_handshake");
      exchange(connection.client, connection.server);
    }
  connection.transfer(connection.client, connection.server, 100);
}
