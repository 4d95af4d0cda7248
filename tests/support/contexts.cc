#include "tests/support/contexts.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include <openssl/err.h>

#include "openssl_event/openssl_event.h"

namespace openssl_event::testing {
namespace {

void require(bool done, const char* what) {
  if (done) return;
  std::fprintf(stderr, "tests/support/contexts: %s failed\n", what);
  ERR_print_errors_fp(stderr);
  std::abort();
}

constexpr std::size_t kKeyTypes = static_cast<std::size_t>(KeyType::kEd448) + 1;

Context make_context(const SSL_METHOD* method, int version, OSSL_LIB_CTX* library) {
  Context context(SSL_CTX_new_ex(library, nullptr, method));
  require(context != nullptr, "SSL_CTX_new");
  if (version) {
    require(SSL_CTX_set_min_proto_version(context.get(), version), "the least version");
    require(SSL_CTX_set_max_proto_version(context.get(), version), "the highest version");
  }
  return context;
}

}  // namespace

X509* shared_certificate(KeyType type) {
  static std::mutex making;
  static std::array<Certificate, kKeyTypes> certificates;
  EVP_PKEY* key = shared_key(type);
  const std::lock_guard lock(making);
  Certificate& certificate = certificates.at(static_cast<std::size_t>(type));
  if (!certificate) certificate = make_certificate(key);
  return certificate.get();
}

void use_key(SSL_CTX* context, KeyType key, bool offload) {
  require(SSL_CTX_use_certificate(context, shared_certificate(key)), "SSL_CTX_use_certificate");
  if (!offload) return require(SSL_CTX_use_PrivateKey(context, shared_key(key)), "SSL_CTX_use_PrivateKey");
  const Key offloaded(openssl_offloadKey(shared_key(key), nullptr, nullptr, 0));
  require(offloaded && SSL_CTX_use_PrivateKey(context, offloaded.get()), "an offloaded key");
}

void trust(SSL_CTX* context, KeyType key) {
  require(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), shared_certificate(key)), "X509_STORE_add_cert");
}

void demand_certificate(SSL_CTX* server) {
  SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

Context make_server_context(int version, KeyType key, bool offload, OSSL_LIB_CTX* library) {
  Context context = make_context(TLS_server_method(), version, library);
  use_key(context.get(), key, offload);
  require(SSL_CTX_set_session_id_context(context.get(), reinterpret_cast<const unsigned char*>("test"), 4),
          "session id");
  return context;
}

Context make_client_context(int version, KeyType key, OSSL_LIB_CTX* library) {
  Context context = make_context(TLS_client_method(), version, library);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  trust(context.get(), key);
  return context;
}

Ssl make_ssl(SSL_CTX* context, Role role) {
  Ssl ssl(SSL_new(context));
  require(ssl != nullptr, "SSL_new");
  if (role == Role::kServer) {
    SSL_set_accept_state(ssl.get());
  } else {
    SSL_set_connect_state(ssl.get());
    require(SSL_set_tlsext_host_name(ssl.get(), "localhost") &&
                X509_VERIFY_PARAM_set1_host(SSL_get0_param(ssl.get()), "localhost", 0),
            "server name");
  }
  return ssl;
}

}  // namespace openssl_event::testing
