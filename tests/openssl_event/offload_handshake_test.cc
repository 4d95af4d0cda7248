// An offloaded key in plain libssl, without a machine: it signs and decrypts in place.
#include <memory>
#include <string>

#include <openssl/ssl.h>

#include "tests/openssl_event/offload_fixture.h"

namespace openssl_event::testing {
namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;
using Ssl = std::unique_ptr<SSL, FreeSsl>;

// A context that has the certificate of `plain` and, if libssl takes it, `key`.
Context context_with(EVP_PKEY* plain, EVP_PKEY* key, const SSL_METHOD* method, const char* propq = nullptr) {
  Context context(SSL_CTX_new_ex(nullptr, propq, method));
  const Certificate certificate = make_certificate(plain);
  EXPECT_EQ(SSL_CTX_use_certificate(context.get(), certificate.get()), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey(context.get(), key), 1) << ERR_error_string(ERR_peek_last_error(), nullptr);
  EXPECT_EQ(SSL_CTX_check_private_key(context.get()), 1);
  return context;
}

// Shakes hands over memory; returns the name of the server's cipher suite, "" if they did not come to terms.
std::string shake_hands(SSL_CTX* server_context, SSL_CTX* client_context) {
  const Ssl server(SSL_new(server_context)), client(SSL_new(client_context));
  BIO *server_bio = nullptr, *client_bio = nullptr;
  EXPECT_EQ(BIO_new_bio_pair(&server_bio, 0, &client_bio, 0), 1);
  SSL_set_bio(server.get(), server_bio, server_bio);
  SSL_set_bio(client.get(), client_bio, client_bio);
  SSL_set_accept_state(server.get());
  SSL_set_connect_state(client.get());
  for (int turn = 0; turn < 10; ++turn)
    if (SSL_do_handshake(client.get()) + SSL_do_handshake(server.get()) == 2) return SSL_get_cipher(server.get());
  return "";
}

class OffloadHandshakeTest : public EveryOffloadTest {
 protected:
  std::string handshake_of(int version, const char* ciphers = nullptr, const char* propq = nullptr) {
    const Context server = context_with(plain, offloaded.get(), TLS_server_method(), propq);
    const Context client(SSL_CTX_new(TLS_client_method()));
    for (SSL_CTX* context : {server.get(), client.get()}) {
      SSL_CTX_set_min_proto_version(context, version);
      SSL_CTX_set_max_proto_version(context, version);
      EXPECT_EQ(ciphers == nullptr || SSL_CTX_set_cipher_list(context, ciphers), 1);
    }
    return shake_hands(server.get(), client.get());
  }
  bool is_rsa() const { return GetParam() == KeyType::kRsa; }
};

TEST_P(OffloadHandshakeTest, OfTls13Succeeds) { EXPECT_NE(handshake_of(TLS1_3_VERSION), ""); }

TEST_P(OffloadHandshakeTest, OfTls12WithEphemeralKeysSucceeds) {
  EXPECT_EQ(handshake_of(TLS1_2_VERSION, "ECDHE+AESGCM").substr(0, 5), "ECDHE");
}

TEST_P(OffloadHandshakeTest, OfTls12WithAKeyThatDecryptsSucceeds) {
  EXPECT_EQ(handshake_of(TLS1_2_VERSION, "AES128-GCM-SHA256"), is_rsa() ? "AES128-GCM-SHA256" : "");
}

TEST_P(OffloadHandshakeTest, OfAContextWithAPropertyQuerySucceeds) {
  EXPECT_NE(handshake_of(TLS1_3_VERSION, nullptr, "provider=default"), "");
  EXPECT_NE(handshake_of(TLS1_2_VERSION, is_rsa() ? "AES128-GCM-SHA256" : nullptr, "provider=default"), "");
}

TEST_P(OffloadHandshakeTest, OfAClientWithACertificateSucceeds) {
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const Context server = context_with(plain, plain, TLS_server_method());
    const Context client = context_with(plain, offloaded.get(), TLS_client_method());
    SSL_CTX_set_max_proto_version(server.get(), version);
    SSL_CTX_set_verify(server.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                       [](int, X509_STORE_CTX*) { return 1; });
    EXPECT_NE(shake_hands(server.get(), client.get()), "") << version;
  }
}

TEST_P(OffloadHandshakeTest, OfAClientThatWillNotHaveItFails) {
  const Context server = context_with(plain, offloaded.get(), TLS_server_method());
  const Context client(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_verify(client.get(), SSL_VERIFY_PEER, nullptr);
  EXPECT_EQ(shake_hands(server.get(), client.get()), "");
}

TEST_P(OffloadHandshakeTest, IsNotBegunWithTheCertificateOfAnotherKey) {
  const Context context(SSL_CTX_new(TLS_server_method()));
  ASSERT_EQ(SSL_CTX_use_certificate(context.get(), make_certificate(make_key(GetParam()).get()).get()), 1);
  EXPECT_NE(SSL_CTX_use_PrivateKey(context.get(), offloaded.get()), 1);
  EXPECT_NE(SSL_CTX_check_private_key(context.get()), 1);
  ERR_clear_error();
}

TEST_P(OffloadHandshakeTest, ForgetsTheKeyWhenAnotherKeysCertificateComesLater) {
  const Context context(SSL_CTX_new(TLS_server_method()));
  ASSERT_EQ(SSL_CTX_use_PrivateKey(context.get(), offloaded.get()), 1);
  ASSERT_EQ(SSL_CTX_use_certificate(context.get(), make_certificate(make_key(GetParam()).get()).get()), 1);
  EXPECT_NE(SSL_CTX_check_private_key(context.get()), 1);
  ERR_clear_error();
}

INSTANTIATE_TEST_SUITE_P(Types, OffloadHandshakeTest, kEveryType, type_as_name);

}  // namespace
}  // namespace openssl_event::testing
