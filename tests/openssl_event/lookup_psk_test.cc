// PSKs of TLS 1.3 belong to a hash (RFC 8446 4.2.11): an end that looks them up agrees with plain libssl's own callbacks.
#include <algorithm>
#include <cstring>
#include <iterator>

#include "tests/openssl_event/answers_fixture.h"

namespace openssl_event::testing {
namespace {

constexpr char kIdentity[] = "device-17";
constexpr unsigned char kKey[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

struct PskCase {
  const char* digest;
  const char* suite;
  unsigned char suite_number[2];
};

constexpr PskCase kCases[] = {{"SHA256", "TLS_AES_128_GCM_SHA256", {0x13, 0x01}},
                              {"SHA256", "TLS_CHACHA20_POLY1305_SHA256", {0x13, 0x01}},
                              {"SHA384", "TLS_AES_256_GCM_SHA384", {0x13, 0x02}}};

const PskCase& case_of(const char* digest) {
  return *std::find_if(std::begin(kCases), std::end(kCases),
                       [digest](const PskCase& each) { return std::strcmp(each.digest, digest) == 0; });
}

const PskCase* of_plain_end = nullptr;

SSL_SESSION* plain_session(SSL* ssl) {
  SSL_SESSION* session = SSL_SESSION_new();
  SSL_SESSION_set1_master_key(session, kKey, sizeof kKey);
  SSL_SESSION_set_cipher(session, SSL_CIPHER_find(ssl, of_plain_end->suite_number));
  SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION);
  return session;
}

int find_session(SSL* ssl, const unsigned char* identity, std::size_t size, SSL_SESSION** session) {
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(identity), size), kIdentity);
  *session = plain_session(ssl);
  return 1;
}

int use_session(SSL* ssl, const EVP_MD*, const unsigned char** identity, std::size_t* size, SSL_SESSION** session) {
  *identity = reinterpret_cast<const unsigned char*>(kIdentity);
  *size = std::strlen(kIdentity);
  *session = plain_session(ssl);
  return 1;
}

class Psks : public ::testing::TestWithParam<PskCase> {
 protected:
  Psks() {
    of_plain_end = &GetParam();
    for (SSL_CTX* context : {pair.client_context.get(), pair.server_context.get()})
      SSL_CTX_set_ciphersuites(context, GetParam().suite);
    SSL_CTX_set_options(pair.server_context.get(), SSL_OP_NO_TICKET);
  }
  static void answer(OPENSSL_EVENT* e, const char* digest) {
    EXPECT_EQ(openssl_answerPskOf(e, e->l.u.psk->is_server ? nullptr : kIdentity, kKey, sizeof kKey, digest), 1);
  }
  // Whether the PSK was used; connected they are in any case.
  bool server_uses(const char* digest) {
    SSL_CTX_set_psk_use_session_callback(pair.client_context.get(), use_session);
    openssl_setLookups(pair.server_context.get(), OPENSSL_LOOKUP_PSK);
    auto client = pair.plain_client();
    auto server = pair.machine_server();
    server->on_lookup = [digest](OPENSSL_EVENT* e) { answer(e, digest); };
    return is_used(*client, *server);
  }
  bool client_uses(const char* digest) {
    SSL_CTX_set_psk_find_session_callback(pair.server_context.get(), find_session);
    openssl_setLookups(pair.client_context.get(), OPENSSL_LOOKUP_PSK);
    auto client = pair.machine_client();
    auto server = pair.plain_server();
    client->on_lookup = [digest](OPENSSL_EVENT* e) { answer(e, digest); };
    return is_used(*client, *server);
  }
  template <typename Client, typename Server>
  static bool is_used(Client& client, Server& server) {
    carry(client, server);
    client.send("ping");
    carry(client, server);
    EXPECT_EQ(server.received(), "ping");
    EXPECT_EQ(SSL_session_reused(client.ssl()), SSL_session_reused(server.ssl()));
    return SSL_session_reused(server.ssl());
  }
  const char* another_digest() const { return std::strcmp(GetParam().digest, "SHA256") == 0 ? "SHA384" : "SHA256"; }

  Pair pair{TLS1_3_VERSION};
};

TEST_P(Psks, OfAServer) { EXPECT_TRUE(server_uses(GetParam().digest)); }

TEST_P(Psks, OfAClient) { EXPECT_TRUE(client_uses(GetParam().digest)); }

// The suite is chosen before.
TEST_P(Psks, OfAServerAreNotUsedWithASuiteOfAnotherDigest) { EXPECT_FALSE(server_uses(another_digest())); }

TEST_P(Psks, AreAskedForAgainAfterAHelloRetryRequest) {
  SSL_CTX_set1_groups_list(pair.client_context.get(), "X25519:P-256");
  SSL_CTX_set1_groups_list(pair.server_context.get(), "P-256");
  EXPECT_TRUE(client_uses(GetParam().digest));
}

TEST_P(Psks, OfAClientAreNotUsedAfterAHelloRetryRequestOfAnotherDigest) {
  SSL_CTX_set1_groups_list(pair.client_context.get(), "X25519:P-256");
  SSL_CTX_set1_groups_list(pair.server_context.get(), "P-256");
  SSL_CTX_set_ciphersuites(pair.client_context.get(),
                           "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384");
  of_plain_end = &case_of(another_digest());  // whose suite is another one
  EXPECT_FALSE(client_uses(another_digest()));
}

TEST_P(Psks, OfAnUnknownDigestAreRefused) {
  openssl_setLookups(pair.server_context.get(), OPENSSL_LOOKUP_PSK);
  SSL_CTX_set_psk_use_session_callback(pair.client_context.get(), use_session);
  auto client = pair.plain_client();
  auto server = pair.machine_server();
  server->on_lookup = [](OPENSSL_EVENT* e) {
    for (const char* digest : {"SHA512", "", static_cast<const char*>(nullptr)})
      EXPECT_EQ(openssl_answerPskOf(e, nullptr, kKey, sizeof kKey, digest), 0);
    answer(e, GetParam().digest);
  };
  EXPECT_TRUE(is_used(*client, *server));
}

INSTANTIATE_TEST_SUITE_P(Suites, Psks, ::testing::ValuesIn(kCases),
                         [](const auto& which) { return std::string(which.param.suite); });

}  // namespace
}  // namespace openssl_event::testing
