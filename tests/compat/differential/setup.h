// What a scenario runs with.
#ifndef TESTS_COMPAT_DIFFERENTIAL_SETUP_H
#define TESTS_COMPAT_DIFFERENTIAL_SETUP_H

#include <openssl/ssl.h>

#include <map>
#include <memory>
#include <string>

#include "tests/compat/differential/side.h"

namespace openssl_event::testing {

struct Setup {
  std::string keys;                // the folder with rsa.key, rsa.crt, ec.key ... in PEM
  std::string key = "ec";
  std::string transport = "fd";
  int version = TLS1_3_VERSION;
  std::size_t chunk = 0;           // bytes that arrive at a time; 0: all
};

struct FreeContext {
  void operator()(SSL_CTX* ctx) const { SSL_CTX_free(ctx); }
};
using ContextPointer = std::unique_ptr<SSL_CTX, FreeContext>;

// With the key and certificate of the setup; a client without, which trusts the server.
ContextPointer server_context(const Setup& setup);
ContextPointer client_context(const Setup& setup);
void use_key_files(SSL_CTX* ctx, const Setup& setup);
std::string file(const Setup& setup, const char* suffix);

// A client and a server with their transports; roles are set unless told otherwise.
struct Connection {
  Connection(const Setup& setup, SSL_CTX* client_ctx, SSL_CTX* server_ctx, bool set_roles = true);
  // Both sides in turn until both are done, by these functions. False: it cannot go on.
  bool handshake(const std::string& of_client = "SSL_do_handshake", const std::string& of_server = "SSL_do_handshake");
  // What is on its way arrives, and is read by `function`, `size` bytes at a time, until nothing is left.
  void drain(Side& reader, const std::string& function = "SSL_read", std::size_t size = 20000);
  // Sends and receives.
  void transfer(Side& from, Side& to, std::size_t bytes);

  const std::size_t chunk;
  Side client, server;
};

using Scenario = void (*)(const Setup& setup);
// By name; in the order of names.
const std::map<std::string, Scenario>& scenarios();
void add_scenario(const char* name, Scenario scenario);

#define SCENARIO(name)                                                                      \
  static void name(const Setup& setup);                                                     \
  [[maybe_unused]] static const bool added_##name = (add_scenario(#name, name), true);      \
  static void name([[maybe_unused]] const Setup& setup)

}  // namespace openssl_event::testing

#endif
