#include "tests/compat/differential/setup.h"

#include <openssl/err.h>

#include <cstdio>
#include <cstdlib>

#include "tests/compat/differential/random.h"

namespace openssl_event::testing {
namespace {

void require(bool done, const char* what) {
  if (done) return;
  std::fprintf(stderr, "%s\n", what);
  ERR_print_errors_fp(stderr);
  std::abort();
}

ContextPointer make_context(const SSL_METHOD* method, const Setup& setup) {
  ContextPointer ctx(SSL_CTX_new(method));
  require(ctx && SSL_CTX_set_min_proto_version(ctx.get(), setup.version) &&
              SSL_CTX_set_max_proto_version(ctx.get(), setup.version),
          "SSL_CTX_new");
  // With one kind of key: libssl keeps its records where it may renegotiate.
  if (setup.key == "ed25519") SSL_CTX_set_options(ctx.get(), SSL_OP_NO_RENEGOTIATION);
  return ctx;
}

SSL* make_ssl(SSL_CTX* ctx, bool set_role, bool server) {
  next_random();
  SSL* ssl = SSL_new(ctx);
  require(ssl, "SSL_new");
  if (set_role) server ? SSL_set_accept_state(ssl) : SSL_set_connect_state(ssl);
  return ssl;
}

std::map<std::string, Scenario>& all() {
  static std::map<std::string, Scenario> scenarios;
  return scenarios;
}

}  // namespace

std::string file(const Setup& setup, const char* suffix) { return setup.keys + "/" + setup.key + suffix; }

void use_key_files(SSL_CTX* ctx, const Setup& setup) {
  require(SSL_CTX_use_certificate_file(ctx, file(setup, ".crt").c_str(), SSL_FILETYPE_PEM) > 0, "certificate");
  require(SSL_CTX_use_PrivateKey_file(ctx, file(setup, ".key").c_str(), SSL_FILETYPE_PEM) > 0, "key");
}

ContextPointer server_context(const Setup& setup) {
  ContextPointer ctx = make_context(TLS_server_method(), setup);
  use_key_files(ctx.get(), setup);
  SSL_CTX_set_session_id_context(ctx.get(), reinterpret_cast<const unsigned char*>("compat"), 6);
  return ctx;
}

ContextPointer client_context(const Setup& setup) {
  ContextPointer ctx = make_context(TLS_client_method(), setup);
  require(SSL_CTX_load_verify_file(ctx.get(), file(setup, ".crt").c_str()) > 0, "trust");
  SSL_CTX_set_verify(ctx.get(), SSL_VERIFY_PEER, nullptr);
  return ctx;
}

Connection::Connection(const Setup& setup, SSL_CTX* client_ctx, SSL_CTX* server_ctx, bool set_roles)
    : chunk(setup.chunk),
      client("client", make_ssl(client_ctx, set_roles, false), make_transport(setup.transport)),
      server("server", make_ssl(server_ctx, set_roles, true), make_transport(setup.transport)) {}

bool Connection::handshake(const std::string& of_client, const std::string& of_server) {
  bool client_done = false, server_done = false;
  for (int stuck = 0; stuck < 3;) {
    bool moved = false;
    const auto turn = [&](Side& side, bool& done, const std::string& function) {
      moved |= side.deliver(chunk);
      if (done) return;
      done = side.handshake(function) > 0;
      if (!done && (function.find("read") != function.npos || function.find("peek") != function.npos)) done = !SSL_in_init(side.ssl());
      moved |= done;
      exchange(client, server);
    };
    turn(client, client_done, of_client);
    turn(server, server_done, of_server);
    if (client_done && server_done) return true;
    stuck = moved ? 0 : stuck + 1;
  }
  return false;
}

void Connection::drain(Side& reader, const std::string& function, std::size_t size) {
  for (int i = 0; i < 100000; ++i) {
    const bool more = reader.deliver(chunk);
    const int value = reader.read(function, size);
    exchange(client, server);
    if (value <= 0 && (!more || SSL_get_error(reader.ssl(), value) == SSL_ERROR_ZERO_RETURN)) return;
  }
}

void Connection::transfer(Side& from, Side& to, std::size_t bytes) {
  from.write("SSL_write", std::string(bytes, 'x'));
  exchange(client, server);
  drain(to);
}

const std::map<std::string, Scenario>& scenarios() { return all(); }
void add_scenario(const char* name, Scenario scenario) { all()[name] = scenario; }

}  // namespace openssl_event::testing
