// Scenarios of a program that forbids renegotiation, as it should, but for those of its own: mod_ssl, which asks for a client
// certificate when it has seen the request. TLS 1.3 has none.
#include "tests/compat/differential/path_setup.h"

using namespace openssl_event::testing;

namespace {

void forbid(Connection& c) {
  for (Side* side : {&c.client, &c.server}) SSL_set_options(side->ssl(), SSL_OP_NO_RENEGOTIATION);
}
void allow(Connection& c) {
  for (Side* side : {&c.client, &c.server}) SSL_clear_options(side->ssl(), SSL_OP_NO_RENEGOTIATION);
}

void renegotiate(Connection& c, Side& who, int (*function)(SSL*)) {
  who.call("SSL_renegotiate", [&] { return long{function(who.ssl())}; });
  who.handshake("SSL_do_handshake");
  for (int i = 0; i < 2; ++i) settle(c);
  Side::say("  renegotiations " + std::to_string(SSL_total_renegotiations(who.ssl())) + " " +
            SSL_CIPHER_get_name(SSL_get_current_cipher(who.ssl())));
}

// Both ways; more than one record, where that does not take a line for each byte.
void talk_much(Connection& c) {
  talk(c);
  if (c.chunk) return;
  c.transfer(c.client, c.server, 40000);
  c.transfer(c.server, c.client, 40000);
}

void renegotiate_as_client(const Setup& setup, int (*function)(SSL*)) {
  Ready ready(setup);
  Connection& c = *ready.connection;
  forbid(c);
  talk_much(c);
  allow(c);
  SSL_set_options(c.server.ssl(), SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
  renegotiate(c, c.client, function);
  talk_much(c);
}

}  // namespace

SCENARIO(path_renegotiation_by_server) {
  Ready ready(setup);
  Connection& c = *ready.connection;
  forbid(c);
  talk_much(c);
  for (int i = 0; i < 3; ++i) {
    allow(c);
    renegotiate(c, c.server, SSL_renegotiate);
    forbid(c);
    talk_much(c);
  }
  c.server.shutdown();
  settle(c);
  c.client.shutdown();
}

SCENARIO(path_renegotiation_by_client) { renegotiate_as_client(setup, SSL_renegotiate); }

// The server's change_cipher_spec comes first.
SCENARIO(path_renegotiation_abbreviated) { renegotiate_as_client(setup, SSL_renegotiate_abbreviated); }

SCENARIO(path_renegotiation_to_another_cipher) {
  Ready ready(setup);
  Connection& c = *ready.connection;
  forbid(c);
  talk_much(c);
  allow(c);
  SSL_set_cipher_list(c.server.ssl(), "CHACHA20");
  renegotiate(c, c.server, SSL_renegotiate);
  talk_much(c);
  SSL_set_cipher_list(c.server.ssl(), "SHA256:!AESGCM:!CHACHA20");
  renegotiate(c, c.server, SSL_renegotiate);
  talk_much(c);
}

// Only one of the two has moved data by then.
SCENARIO(path_renegotiation_after_data_one_way) {
  for (const bool by_server : {false, true}) {
    Ready ready(setup);
    Connection& c = *ready.connection;
    forbid(c);
    Side& from = by_server ? c.server : c.client;
    Side& to = by_server ? c.client : c.server;
    c.handshake();
    for (int i = 0; i < 3; ++i) c.transfer(from, to, 100);
    allow(c);
    renegotiate(c, c.server, SSL_renegotiate);
    talk_much(c);
  }
}

// A pipelined request: data that the program has not taken, and data that comes while the handshake is under way.
SCENARIO(path_renegotiation_amid_data) {
  for (const bool taken : {false, true}) {
    Ready ready(setup);
    Connection& c = *ready.connection;
    forbid(c);
    talk_much(c);
    c.client.write("SSL_write", "one request, and another one");
    exchange(c.client, c.server);
    c.server.deliver(0);
    c.server.read("SSL_read", taken ? 100 : 11);
    allow(c);
    c.server.call("SSL_renegotiate", [&] { return long{SSL_renegotiate(c.server.ssl())}; });
    c.server.handshake("SSL_do_handshake");
    if (!taken) c.client.write("SSL_write", "a third");
    settle(c);
    Side::say("  renegotiations " + std::to_string(SSL_total_renegotiations(c.server.ssl())));
    c.server.write("SSL_write", "an answer");
    settle(c);
  }
}

// A client that declines: the connection goes on as it was.
SCENARIO(path_renegotiation_declined) {
  Ready ready(setup);
  Connection& c = *ready.connection;
  forbid(c);
  talk_much(c);
  SSL_clear_options(c.server.ssl(), SSL_OP_NO_RENEGOTIATION);
  renegotiate(c, c.server, SSL_renegotiate);
  talk(c);
}

// Asked for, and begun by the next function that moves data.
SCENARIO(path_renegotiation_begun_by_data) {
  for (const bool by_server : {false, true})
    for (const bool writes : {false, true}) {
      Ready ready(setup);
      Connection& c = *ready.connection;
      forbid(c);
      talk(c);
      allow(c);
      SSL_set_options(c.server.ssl(), SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
      Side& who = by_server ? c.server : c.client;
      who.call("SSL_renegotiate", [&] { return long{SSL_renegotiate(who.ssl())}; });
      writes ? who.write("SSL_write", "some text") : who.read("SSL_read", 10);
      for (int i = 0; i < 2; ++i) settle(c);
      if (writes) who.write("SSL_write", "some text");
      settle(c);
      Side::say("  renegotiations " + std::to_string(SSL_total_renegotiations(who.ssl())));
      talk(c);
    }
}
