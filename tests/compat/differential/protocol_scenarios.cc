// Scenarios of what comes after the first handshake, and of the other ways to drive an SSL.
#include <openssl/bio.h>
#include <openssl/err.h>

#include "tests/compat/differential/setup.h"

using namespace openssl_event::testing;

namespace {

struct Ready {
  explicit Ready(const Setup& setup)
      : server(server_context(setup)), client(client_context(setup)), connection(setup, client.get(), server.get()) {}
  ContextPointer server, client;
  Connection connection;
};

// Both sides read, whatever it makes of it, until all that is on its way has arrived.
void settle(Connection& c) {
  for (int i = 0; i < 12; ++i)
    for (Side* side : {&c.client, &c.server})
      do {
        const bool more = side->deliver(c.chunk);
        side->read("SSL_read", 100);
        exchange(c.client, c.server);
        if (!more) break;
      } while (!side->inbox.empty());
}

void renegotiate(Connection& c, Side& who, int (*function)(SSL*)) {
  c.handshake();
  who.call("SSL_renegotiate", [&] { return long{function(who.ssl())}; });
  Side::say("  pending " + std::to_string(SSL_renegotiate_pending(who.ssl())));
  who.handshake("SSL_do_handshake");
  who.write("SSL_write", "in between");
  settle(c);
  c.transfer(c.client, c.server, 10);
  c.transfer(c.server, c.client, 10);
  Side::say("  renegotiations " + std::to_string(SSL_total_renegotiations(who.ssl())));
}

}  // namespace

SCENARIO(renegotiation_by_client) {
  Ready ready(setup);
  SSL_set_options(ready.connection.server.ssl(), SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
  renegotiate(ready.connection, ready.connection.client, SSL_renegotiate);
}

SCENARIO(renegotiation_by_server) {
  Ready ready(setup);
  renegotiate(ready.connection, ready.connection.server, SSL_renegotiate);
}

SCENARIO(renegotiation_abbreviated) {
  Ready ready(setup);
  SSL_set_options(ready.connection.server.ssl(), SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
  renegotiate(ready.connection, ready.connection.client, SSL_renegotiate_abbreviated);
}

// The peer's application data comes while the renegotiation is under way.
SCENARIO(data_in_renegotiation) {
  Ready ready(setup);
  Connection& c = ready.connection;
  c.handshake();
  c.client.write("SSL_write", "before");
  c.server.call("SSL_renegotiate", [&] { return long{SSL_renegotiate(c.server.ssl())}; });
  c.server.handshake("SSL_do_handshake");
  c.client.write("SSL_write", "after");
  exchange(c.client, c.server);
  settle(c);
}

SCENARIO(key_update) {
  Ready ready(setup);
  Connection& c = ready.connection;
  c.handshake();
  for (const int type : {SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED, 7}) {
    c.server.call("SSL_key_update", [&] { return long{SSL_key_update(c.server.ssl(), type)}; });
    Side::say("  type " + std::to_string(SSL_get_key_update_type(c.server.ssl())));
    c.server.handshake("SSL_do_handshake");
    exchange(c.client, c.server);
    c.transfer(c.server, c.client, 10);
    c.transfer(c.client, c.server, 10);
  }
}

SCENARIO(post_handshake_authentication) {
  const ContextPointer server = server_context(setup), client = client_context(setup);
  use_key_files(client.get(), setup);
  SSL_CTX_set_post_handshake_auth(client.get(), 1);
  SSL_CTX_load_verify_file(server.get(), file(setup, ".crt").c_str());
  Connection c(setup, client.get(), server.get());
  c.handshake();
  settle(c);
  SSL_set_verify(c.server.ssl(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  c.server.call("SSL_verify_client_post_handshake", [&] { return long{SSL_verify_client_post_handshake(c.server.ssl())}; });
  c.server.handshake("SSL_do_handshake");
  settle(c);
  c.transfer(c.client, c.server, 10);
  Side::say("  certificate " + std::to_string(SSL_get0_peer_certificate(c.server.ssl()) != nullptr));
}

SCENARIO(early_data) {
  if (setup.transport == "pair") return;
  const ContextPointer server = server_context(setup), client = client_context(setup);
  SSL_CTX_set_max_early_data(server.get(), 5000);
  SSL_CTX_set_recv_max_early_data(server.get(), 5000);
  SSL_SESSION* session = nullptr;
  for (const char* when : {"first", "again"}) {
    Side::say(when);
    Connection c(setup, client.get(), server.get());
    if (session) SSL_set_session(c.client.ssl(), session);
    SSL_SESSION_free(session);
    std::size_t written = 0;
    c.client.call("SSL_write_early_data", [&] { return long{SSL_write_early_data(c.client.ssl(), "early", 5, &written)}; });
    exchange(c.client, c.server);
    char bytes[100];
    for (int i = 0; i < 200; ++i) {
      const bool more = c.server.deliver(setup.chunk);
      std::size_t got = 0;
      const long value = c.server.call("SSL_read_early_data", [&] {
        return long{SSL_read_early_data(c.server.ssl(), bytes, sizeof bytes, &got)};
      });
      Side::say("  bytes " + std::to_string(got) + " status " + std::to_string(SSL_get_early_data_status(c.server.ssl())));
      exchange(c.client, c.server);
      if (value == SSL_READ_EARLY_DATA_FINISH || (!more && value != SSL_READ_EARLY_DATA_SUCCESS)) break;
    }
    std::size_t late = 0;
    c.server.call("SSL_write_early_data", [&] { return long{SSL_write_early_data(c.server.ssl(), "half", 4, &late)}; });
    exchange(c.client, c.server);
    c.handshake();
    settle(c);
    c.transfer(c.server, c.client, 20);
    session = SSL_get1_session(c.client.ssl());
    c.client.shutdown();
    c.server.shutdown();
  }
  SSL_SESSION_free(session);
}

// A server that keeps nothing of a client before that one has shown its cookie.
SCENARIO(stateless) {
  const ContextPointer server = server_context(setup), client = client_context(setup);
  Connection c(setup, client.get(), server.get());
  const auto answer = [&] {
    c.client.handshake("SSL_do_handshake");
    exchange(c.client, c.server);
    for (bool more = true; more;) {
      more = c.server.deliver(setup.chunk);
      if (c.server.call("SSL_stateless", [&] { return long{SSL_stateless(c.server.ssl())}; }) > 0) break;
      exchange(c.client, c.server);
    }
    c.client.deliver(0);
  };
  answer();  // has no cookies yet
  SSL_CTX_set_stateless_cookie_generate_cb(server.get(), [](SSL*, unsigned char* cookie, std::size_t* size) {
    cookie[0] = 'c';
    *size = 1;
    return 1;
  });
  SSL_CTX_set_stateless_cookie_verify_cb(server.get(), [](SSL*, const unsigned char* cookie, std::size_t size) {
    return size == 1 && cookie[0] == 'c' ? 1 : 0;
  });
  SSL_clear(c.client.ssl());
  for (int i = 0; i < 3; ++i) answer();
  c.handshake();
  c.transfer(c.client, c.server, 10);
}

SCENARIO(resumption) {
  const ContextPointer server = server_context(setup), client = client_context(setup);
  SSL_SESSION* session = nullptr;
  for (int i = 0; i < 3; ++i) {
    Connection c(setup, client.get(), server.get());
    if (session) SSL_set_session(c.client.ssl(), session);
    SSL_SESSION_free(session);
    c.handshake();
    settle(c);
    Side::say("  reused " + std::to_string(SSL_session_reused(c.client.ssl())));
    session = SSL_get1_session(c.client.ssl());
    c.client.shutdown();
    c.server.shutdown();
  }
  SSL_SESSION_free(session);
}

// libssl's own functions inside, behind a filter BIO.
SCENARIO(ssl_bio) {
  Ready ready(setup);
  Connection& c = ready.connection;
  BIO* bios[2];
  Side* const sides[] = {&c.client, &c.server};
  for (int i = 0; i < 2; ++i) {
    bios[i] = BIO_new(BIO_f_ssl());
    BIO_set_ssl(bios[i], sides[i]->ssl(), BIO_NOCLOSE);
  }
  char bytes[100];
  const auto all = [&](int i) {
    Side& side = *sides[i];
    BIO* bio = bios[i];
    side.call("BIO_do_handshake", [&] { return long{BIO_do_handshake(bio)}; });
    Side::say("  retry " + std::to_string(BIO_should_retry(bio)) + std::to_string(BIO_should_read(bio)) + std::to_string(BIO_should_write(bio)));
    side.call("BIO_read", [&] { return long{BIO_read(bio, bytes, sizeof bytes)}; });
    side.call("BIO_write", [&] { return long{BIO_write(bio, "hello", 5)}; });
    Side::say("  retry " + std::to_string(BIO_should_retry(bio)) + " pending " + std::to_string(BIO_pending(bio)));
    exchange(c.client, c.server);
  };
  for (int round = 0; round < 6; ++round)
    for (int i = 0; i < 2; ++i) {
      while (sides[i]->deliver(setup.chunk) && !sides[i]->inbox.empty())
        sides[i]->call("BIO_read", [&] { return long{BIO_read(bios[i], bytes, sizeof bytes)}; });
      all(i);
    }
  for (BIO* bio : bios) BIO_free(bio);
}

// SSL_MODE_ASYNC without an asynchronous engine changes nothing but what the modes say.
SCENARIO(async_mode_is_reported) {
  if (setup.chunk) return;
  const ContextPointer server = server_context(setup);
  Side::say(std::to_string(SSL_CTX_set_mode(server.get(), SSL_MODE_ASYNC | SSL_MODE_AUTO_RETRY)));
  Side side("server", SSL_new(server.get()), nullptr);
  Side other("copy", SSL_dup(side.ssl()), nullptr);
  for (SSL* ssl : {side.ssl(), other.ssl()}) {
    std::size_t added = 0, deleted = 0, count = 0;
    Side::say(std::to_string(SSL_get_mode(ssl)) + " " + std::to_string(SSL_waiting_for_async(ssl)) + " " +
              std::to_string(SSL_get_all_async_fds(ssl, nullptr, &count)) + " " +
              std::to_string(SSL_get_changed_async_fds(ssl, nullptr, &added, nullptr, &deleted)));
    Side::say(std::to_string(SSL_clear_mode(ssl, SSL_MODE_ASYNC)) + " " + std::to_string(SSL_get_mode(ssl)));
  }
  Side::say(std::to_string(SSL_CTX_get_mode(server.get())) + " " + std::to_string(SSL_CTX_clear_mode(server.get(), SSL_MODE_ASYNC)));
}

SCENARIO(ktls_option) {
  if (setup.transport != "fd" || setup.chunk) return;
  const ContextPointer server = server_context(setup), client = client_context(setup);
  SSL_CTX_set_options(server.get(), SSL_OP_ENABLE_KTLS);
  Connection c(setup, client.get(), server.get());
  c.handshake();
  Side::say("  ktls " + std::to_string(BIO_get_ktls_send(SSL_get_wbio(c.server.ssl()))));
  c.server.call("SSL_sendfile", [&] { return static_cast<long>(SSL_sendfile(c.server.ssl(), 0, 0, 1, 0)); });
  c.transfer(c.server, c.client, 100);
}

// A library context of the program's, which is the thread's default one while settings are made, as in SSL_CTX_config.
SCENARIO(settings_in_a_library_context) {
  if (setup.chunk) return;
  OSSL_LIB_CTX* const library = OSSL_LIB_CTX_new();
  {
    const ContextPointer server(SSL_CTX_new_ex(library, nullptr, TLS_server_method())), client = client_context(setup);
    OSSL_LIB_CTX* const before = OSSL_LIB_CTX_set0_default(library);
    SSL_CTX_set_block_padding(server.get(), 64);
    SSL_CTX_set_mode(server.get(), SSL_MODE_ASYNC | SSL_MODE_AUTO_RETRY);
    use_key_files(server.get(), setup);
    OSSL_LIB_CTX_set0_default(before);
    Connection c(setup, client.get(), server.get());
    c.handshake();
    c.transfer(c.server, c.client, 10);
    c.transfer(c.client, c.server, 10);
  }
  OSSL_LIB_CTX_free(library);
}

// Calls that BIO_ctrl passes on, for BIOs of other kinds that give the same number another meaning.
SCENARIO(foreign_bio_controls) {
  if (setup.chunk) return;
  BIO* memory = BIO_new(BIO_s_mem());
  char not_an_ssl = 0;
  Side::say(std::to_string(BIO_ctrl(memory, BIO_C_SET_SSL, 0, &not_an_ssl)));
  Side::say(std::to_string(BIO_ctrl(nullptr, BIO_C_SET_SSL, 0, &not_an_ssl)));
  BIO_free(memory);
  ERR_clear_error();
}
