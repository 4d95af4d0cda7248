// Scenarios of keys: the ways to set one, client certificates, RSA key exchange, callbacks.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/compat/differential/random.h"
#include "tests/compat/differential/setup.h"

using namespace openssl_event::testing;

namespace {

EVP_PKEY* load_key(const Setup& setup) {
  BIO* in = BIO_new_file(file(setup, ".key").c_str(), "r");
  EVP_PKEY* key = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
  BIO_free(in);
  return key;
}

X509* load_certificate(const Setup& setup) {
  BIO* in = BIO_new_file(file(setup, ".crt").c_str(), "r");
  X509* certificate = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
  BIO_free(in);
  return certificate;
}

std::vector<unsigned char> der_of(EVP_PKEY* key) {
  unsigned char* out = nullptr;
  const int length = i2d_PrivateKey(key, &out);
  std::vector<unsigned char> der(out, out + length);
  OPENSSL_free(out);
  return der;
}

void connect_with(const Setup& setup, SSL_CTX* server, const char* how) {
  Side::say(how);
  const ContextPointer client = client_context(setup);
  Connection connection(setup, client.get(), server);
  connection.handshake();
  connection.transfer(connection.server, connection.client, 10);
}

ContextPointer bare_context(const Setup& setup) {
  ContextPointer ctx = server_context(setup);
  return ContextPointer(SSL_CTX_new(TLS_server_method()));
}

// A key in each form in which it can be set.
struct Material {
  explicit Material(const Setup& setup)
      : key(load_key(setup)), certificate(load_certificate(setup)), der(der_of(key)), path(file(setup, ".key")) {}
  ~Material() {
    EVP_PKEY_free(key);
    X509_free(certificate);
  }
  Material(const Material&) = delete;
  Material& operator=(const Material&) = delete;

  int type() const { return EVP_PKEY_get_base_id(key); }
  long length() const { return static_cast<long>(der.size()); }
  void say_whether_it_is(EVP_PKEY* seen) const {
    Side::say("  same key " + std::to_string(seen == key) + " equal " + std::to_string(seen && EVP_PKEY_eq(seen, key)));
  }

  EVP_PKEY* const key;
  X509* const certificate;
  const std::vector<unsigned char> der;
  const std::string path;
};

// The functions that set a key, of an SSL_CTX or of an SSL.
template <typename T>
struct KeySetters {
  const char* prefix;
  int (*key)(T*, EVP_PKEY*);
  int (*key_der)(int, T*, const unsigned char*, long);
  int (*key_file)(T*, const char*, int);
  int (*both)(T*, X509*, EVP_PKEY*, STACK_OF(X509)*, int);
  int (*rsa)(T*, RSA*);
  int (*rsa_der)(T*, const unsigned char*, long);
  int (*rsa_file)(T*, const char*, int);
};

constexpr KeySetters<SSL_CTX> kOfContext = {"SSL_CTX_",
                                            SSL_CTX_use_PrivateKey,
                                            SSL_CTX_use_PrivateKey_ASN1,
                                            SSL_CTX_use_PrivateKey_file,
                                            SSL_CTX_use_cert_and_key,
                                            SSL_CTX_use_RSAPrivateKey,
                                            SSL_CTX_use_RSAPrivateKey_ASN1,
                                            SSL_CTX_use_RSAPrivateKey_file};
constexpr KeySetters<SSL> kOfSsl = {"SSL_",
                                    SSL_use_PrivateKey,
                                    SSL_use_PrivateKey_ASN1,
                                    SSL_use_PrivateKey_file,
                                    SSL_use_cert_and_key,
                                    SSL_use_RSAPrivateKey,
                                    SSL_use_RSAPrivateKey_ASN1,
                                    SSL_use_RSAPrivateKey_file};

template <typename T>
using Ways = std::vector<std::pair<std::string, std::function<int(T*)>>>;

template <typename T>
Ways<T> ways_of(const KeySetters<T>& set, const Material& m) {
  const std::string use = set.prefix + std::string("use_");
  return {
      {use + "PrivateKey", [&](T* to) { return set.key(to, m.key); }},
      {use + "PrivateKey_ASN1", [&](T* to) { return set.key_der(m.type(), to, m.der.data(), m.length()); }},
      {use + "PrivateKey_file", [&](T* to) { return set.key_file(to, m.path.c_str(), SSL_FILETYPE_PEM); }},
      {use + "cert_and_key", [&](T* to) { return set.both(to, m.certificate, m.key, nullptr, 1); }},
      {use + "RSAPrivateKey", [&](T* to) { return set.rsa(to, const_cast<RSA*>(EVP_PKEY_get0_RSA(m.key))); }},
      {use + "RSAPrivateKey_ASN1", [&](T* to) { return set.rsa_der(to, m.der.data(), m.length()); }},
      {use + "RSAPrivateKey_file", [&](T* to) { return set.rsa_file(to, m.path.c_str(), SSL_FILETYPE_PEM); }},
      {"no file", [&](T* to) { return set.key_file(to, "/nonexistent", SSL_FILETYPE_PEM); }},
      {"no key", [&](T* to) { return set.key(to, nullptr); }},
  };
}

}  // namespace

SCENARIO(ways_to_set_a_key) {
  if (setup.chunk) return;
  const Material material(setup);
  for (const auto& [name, way] : ways_of(kOfContext, material))
    for (const bool certificate_first : {true, false}) {
      const ContextPointer ctx = bare_context(setup);
      Side probe("probe", SSL_new(ctx.get()), nullptr);
      const auto use_certificate = [&] { return long{SSL_CTX_use_certificate(ctx.get(), material.certificate)}; };
      if (certificate_first) probe.call("SSL_CTX_use_certificate", use_certificate);
      const long done = probe.call(name.c_str(), [&, &use = way] { return long{use(ctx.get())}; });
      if (!certificate_first) probe.call("SSL_CTX_use_certificate", use_certificate);
      probe.call("SSL_CTX_check_private_key", [&] { return long{SSL_CTX_check_private_key(ctx.get())}; });
      EVP_PKEY* seen = SSL_CTX_get0_privatekey(ctx.get());
      material.say_whether_it_is(seen);
      if (seen) Side::say("  private " + std::to_string(der_of(seen) == material.der));
      ERR_clear_error();
      if (done > 0) connect_with(setup, ctx.get(), name.c_str());
    }
}

SCENARIO(ways_to_set_a_key_of_an_ssl) {
  if (setup.chunk) return;
  const Material material(setup);
  for (const auto& [name, way] : ways_of(kOfSsl, material)) {
    const ContextPointer ctx = bare_context(setup), client = client_context(setup);
    Connection connection(setup, client.get(), ctx.get());
    Side& server = connection.server;
    server.call("SSL_use_certificate", [&] { return long{SSL_use_certificate(server.ssl(), material.certificate)}; });
    server.call(name.c_str(), [&, &use = way] { return long{use(server.ssl())}; });
    server.call("SSL_check_private_key", [&] { return long{SSL_check_private_key(server.ssl())}; });
    material.say_whether_it_is(SSL_get_privatekey(server.ssl()));
    ERR_clear_error();
    connection.handshake();
  }
}

SCENARIO(key_by_configuration) {
  if (setup.chunk) return;
  const ContextPointer ctx = bare_context(setup);
  Side probe("probe", SSL_new(ctx.get()), nullptr);
  SSL_CONF_CTX* configuration = SSL_CONF_CTX_new();
  SSL_CONF_CTX_set_flags(configuration, SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_SERVER | SSL_CONF_FLAG_CERTIFICATE);
  SSL_CONF_CTX_set_ssl_ctx(configuration, ctx.get());
  const auto command = [&](const char* name, const std::string& value) {
    probe.call(name, [&] { return long{SSL_CONF_cmd(configuration, name, value.c_str())}; });
  };
  command("Certificate", file(setup, ".crt"));
  command("PrivateKey", file(setup, ".key"));
  command("PrivateKey", "/nonexistent");
  command("Nonsense", "");
  probe.call("SSL_CONF_CTX_finish", [&] { return long{SSL_CONF_CTX_finish(configuration)}; });
  SSL_CONF_CTX_free(configuration);
  connect_with(setup, ctx.get(), "by configuration");
}

SCENARIO(client_certificate) {
  const ContextPointer server = server_context(setup), client = client_context(setup);
  use_key_files(client.get(), setup);
  SSL_CTX_load_verify_file(server.get(), file(setup, ".crt").c_str());
  SSL_CTX_set_verify(server.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  Connection connection(setup, client.get(), server.get());
  connection.handshake();
  connection.transfer(connection.client, connection.server, 100);
  connection.transfer(connection.server, connection.client, 100);
}

SCENARIO(client_certificate_missing) {
  const ContextPointer server = server_context(setup), client = client_context(setup);
  SSL_CTX_set_verify(server.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  Connection connection(setup, client.get(), server.get());
  connection.handshake();
  connection.drain(connection.client);
  connection.handshake();
}

// RSA key exchange: the key decrypts instead of signing.
SCENARIO(rsa_key_exchange) {
  if (setup.version != TLS1_2_VERSION || setup.key != "rsa") return;
  const ContextPointer server = server_context(setup), client = client_context(setup);
  for (const char* suite : {"AES128-SHA", "AES256-GCM-SHA384"}) {
    SSL_CTX_set_cipher_list(client.get(), suite);
    Connection connection(setup, client.get(), server.get());
    connection.handshake();
    Side::say(SSL_get_cipher_name(connection.client.ssl()));
    connection.transfer(connection.client, connection.server, 100);
  }
}

// The operation itself fails: with all the reasons that libssl and libcrypto give.
SCENARIO(failing_signature) {
  if (setup.key != "rsa") return;
  const ContextPointer server = server_context(setup), client = client_context(setup);
  Connection connection(setup, client.get(), server.get());
  connection.client.handshake("SSL_connect");
  exchange(connection.client, connection.server);
  stick_random(true);
  connection.server.deliver(0);
  connection.server.handshake("SSL_accept");
  connection.server.handshake("SSL_accept");
  stick_random(false);
  exchange(connection.client, connection.server);
  connection.drain(connection.client);
}

SCENARIO(untrusted) {
  const ContextPointer server = server_context(setup);
  const ContextPointer client(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_verify(client.get(), SSL_VERIFY_PEER, nullptr);
  Connection connection(setup, client.get(), server.get());
  connection.handshake();
  connection.drain(connection.server);
}

namespace {

const Setup* callback_setup = nullptr;

int certificate_callback(SSL* ssl, void*) {
  SSL_use_certificate_file(ssl, file(*callback_setup, ".crt").c_str(), SSL_FILETYPE_PEM);
  SSL_use_PrivateKey_file(ssl, file(*callback_setup, ".key").c_str(), SSL_FILETYPE_PEM);
  return 1;
}

int client_certificate_callback(SSL*, X509** certificate, EVP_PKEY** key) {
  *certificate = load_certificate(*callback_setup);
  *key = load_key(*callback_setup);
  return 1;
}

void write_info(const SSL*, int where, int value) { Side::say("  info " + std::to_string(where) + " " + std::to_string(value)); }
void write_message(int out, int version, int type, const void*, std::size_t length, SSL*, void*) {
  Side::say("  message " + std::to_string(out) + " " + std::to_string(version) + " " + std::to_string(type) + " " + std::to_string(length));
}
void write_key_log(const SSL*, const char* line) { Side::say("  keylog " + std::string(line).substr(0, 20)); }

}  // namespace

SCENARIO(key_from_a_callback) {
  callback_setup = &setup;
  const ContextPointer server = bare_context(setup), client = client_context(setup);
  SSL_CTX_set_cert_cb(server.get(), certificate_callback, nullptr);
  SSL_CTX_set_client_cert_cb(client.get(), client_certificate_callback);
  SSL_CTX_load_verify_file(server.get(), file(setup, ".crt").c_str());
  SSL_CTX_set_verify(server.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  Connection connection(setup, client.get(), server.get());
  connection.handshake();
  connection.transfer(connection.client, connection.server, 100);
}

SCENARIO(callbacks) {
  const ContextPointer server = server_context(setup), client = client_context(setup);
  for (SSL_CTX* ctx : {server.get(), client.get()}) {
    SSL_CTX_set_info_callback(ctx, write_info);
    SSL_CTX_set_msg_callback(ctx, write_message);
    SSL_CTX_set_keylog_callback(ctx, write_key_log);
  }
  Connection connection(setup, client.get(), server.get());
  connection.handshake();
  Side::say(std::to_string(SSL_get_info_callback(connection.server.ssl()) == nullptr));
  SSL_set_info_callback(connection.server.ssl(), write_info);
  connection.transfer(connection.client, connection.server, 100);
  connection.server.shutdown();
}
