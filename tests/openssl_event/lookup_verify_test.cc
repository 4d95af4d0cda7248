// Verification of the peer's chain: by others, by OpenSSL on another thread, in place; and nobody gets in without an
// answer.
#include <thread>

#include "tests/openssl_event/answers_fixture.h"

namespace openssl_event::testing {
namespace {

TEST_P(Answers, ChainIsRefusedWithTheAlertOfTheError) {
  ask_client(OPENSSL_LOOKUP_VERIFY,
             [](OPENSSL_EVENT* e) { openssl_answerVerified(e, X509_V_ERR_CERT_REVOKED, 0, nullptr); });
  expect_refused(*client, *server, SSL_AD_CERTIFICATE_REVOKED);
  EXPECT_EQ(client->reason(), OPENSSL_REASON_VERIFY);
  EXPECT_EQ(SSL_get_verify_result(client->ssl()), X509_V_ERR_CERT_REVOKED);
}

// In that mode libssl goes on whatever a callback says.
TEST_P(Answers, RefusalCountsWithoutVerifyPeerToo) {
  SSL_CTX_set_verify(pair.client_context.get(), SSL_VERIFY_NONE, nullptr);
  ask_client(OPENSSL_LOOKUP_VERIFY,
             [](OPENSSL_EVENT* e) { openssl_answerVerified(e, X509_V_ERR_CERT_REVOKED, 0, nullptr); });
  expect_refused(*client, *server, SSL_AD_CERTIFICATE_REVOKED);
  make();
  client->on_lookup = [](OPENSSL_EVENT*) {};
  carry(*client, *server);
  EXPECT_EQ(client->reason(), OPENSSL_REASON_LOOKUP_FAILED);
}

TEST_P(Answers, ChainIsAcceptedThoughUntrusted) {
  use_client_certificate();
  ask_server(OPENSSL_LOOKUP_VERIFY, [](OPENSSL_EVENT* e) {
    EXPECT_EQ(sk_X509_num(e->l.u.verify->chain), 1);
    openssl_answerVerified(e, X509_V_OK, 0, e->l.u.verify->chain);
  });
  expect_connected();
  EXPECT_EQ(sk_X509_num(SSL_get0_verified_chain(server->ssl())), 1);
}

// OpenSSL 3.0 accepts an unverified client certificate if its callback asks for a retry; ours waits inside of it.
TEST_P(Answers, UnansweredVerificationLetsNoClientIn) {
  use_client_certificate();
  ASSERT_EQ(openssl_setLookups(pair.server_context.get(), OPENSSL_LOOKUP_VERIFY), 1);
  make();
  server->keep_lookups = true;
  carry(*client, *server);
  ASSERT_EQ(server->lookups.size(), 1u);
  client->send("let me in");
  for (int i = 0; i < 3; ++i) carry(*client, *server);
  EXPECT_FALSE(server->established());
  EXPECT_EQ(server->received(), "");
  openssl_returnEvent(server->lookups.front());
  server->lookups.clear();
  carry(*client, *server);
  EXPECT_EQ(server->reason(), OPENSSL_REASON_LOOKUP_FAILED);
  EXPECT_EQ(server->received(), "");
  EXPECT_NE(SSL_get_verify_result(server->ssl()), X509_V_OK);
}

TEST_P(Answers, VerificationOfOpensslRefusesAnUntrustedClient) {
  use_client_certificate();
  ask_server(OPENSSL_LOOKUP_VERIFY,
             [](OPENSSL_EVENT* e) { std::thread([e] { EXPECT_EQ(openssl_verifyChain(e), 1); }).join(); });
  expect_refused(*server, *client, SSL_AD_UNKNOWN_CA);
  EXPECT_EQ(SSL_get_verify_result(server->ssl()), X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
}

TEST_P(Answers, VerificationOfOpensslChecksTheName) {
  ask_client(OPENSSL_LOOKUP_VERIFY, [](OPENSSL_EVENT* e) { openssl_verifyChain(e); });
  X509_VERIFY_PARAM_set1_host(SSL_get0_param(client->ssl()), "somebody.else", 0);
  expect_refused(*client, *server, SSL_AD_BAD_CERTIFICATE);
  EXPECT_EQ(SSL_get_verify_result(client->ssl()), X509_V_ERR_HOSTNAME_MISMATCH);
}

int calls_of_verify_callback;

TEST_P(Answers, VerificationStaysInPlaceForTheApplicationsCallback) {
  calls_of_verify_callback = 0;
  SSL_CTX_set_verify(pair.client_context.get(), SSL_VERIFY_PEER, [](int ok, X509_STORE_CTX*) {
    calls_of_verify_callback++;
    return ok;
  });
  ask_client(OPENSSL_LOOKUP_VERIFY, [](OPENSSL_EVENT* e) {
    EXPECT_EQ(e->l.u.verify->in_place, 1);
    std::thread([e] { EXPECT_EQ(openssl_verifyChain(e), 1); }).join();
    EXPECT_EQ(calls_of_verify_callback, 0);
  });
  expect_connected();
  EXPECT_GT(calls_of_verify_callback, 0);
}

TEST_P(Answers, VerificationStaysInPlaceForDane) {
  SSL_CTX_dane_enable(pair.client_context.get());
  ask_client(OPENSSL_LOOKUP_VERIFY, [](OPENSSL_EVENT* e) {
    EXPECT_EQ(e->l.u.verify->in_place, 1);
    openssl_verifyChain(e);
  });
  ASSERT_EQ(SSL_dane_enable(client->ssl(), "localhost"), 1);
  unsigned char* der = nullptr;
  const int size = i2d_X509(shared_certificate(KeyType::kEcP256), &der);
  ASSERT_EQ(SSL_dane_tlsa_add(client->ssl(), 3, 0, 0, der, static_cast<std::size_t>(size)),
            1);  // DANE-EE, RFC 7671 5.1
  OPENSSL_free(der);
  expect_connected();
  EXPECT_GE(SSL_get0_dane_authority(client->ssl(), nullptr, nullptr), 0);
}

TEST_P(Answers, TlsWithoutDaneOrCallbacksMayBeVerifiedAnywhere) {
  ask_client(OPENSSL_LOOKUP_VERIFY, [](OPENSSL_EVENT* e) {
    EXPECT_EQ(e->l.u.verify->in_place, 0);
    openssl_verifyChain(e);
  });
  expect_connected();
}

TEST_P(Answers, DefaultVerificationIsOpenssls) {
  ask_client(OPENSSL_LOOKUP_VERIFY, [](OPENSSL_EVENT* e) { openssl_answerDefault(e); });
  expect_connected();
  EXPECT_NE(SSL_get0_verified_chain(client->ssl()), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Versions, Answers, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION), version_name);

// RFC 8446 4.6.2: long after the handshake, a read has to wait.
TEST(PostHandshakeAuthentication, WaitsForItsVerification) {
  Pair pair(TLS1_3_VERSION);
  use_key(pair.client_context.get(), KeyType::kEcP256, false);
  SSL_CTX_set_post_handshake_auth(pair.client_context.get(), 1);
  SSL_CTX_set_verify(pair.server_context.get(), SSL_VERIFY_PEER | SSL_VERIFY_POST_HANDSHAKE, nullptr);
  ASSERT_EQ(openssl_setLookups(pair.server_context.get(), OPENSSL_LOOKUP_VERIFY), 1);
  auto client = pair.machine_client();
  auto server = pair.machine_server();
  carry(*client, *server);
  ASSERT_EQ(server->lookups_seen, 0);
  server->on_lookup = [](OPENSSL_EVENT* e) { openssl_answerVerified(e, X509_V_OK, 0, nullptr); };
  ASSERT_EQ(SSL_verify_client_post_handshake(server->ssl()), 1);
  server->send("who are you?");
  carry(*client, *server);
  client->send("me");
  carry(*client, *server);
  EXPECT_EQ(server->lookups_seen, 1);
  EXPECT_EQ(server->received(), "me");
  EXPECT_NE(SSL_get0_peer_certificate(server->ssl()), nullptr);
}

}  // namespace
}  // namespace openssl_event::testing
