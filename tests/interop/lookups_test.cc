// The machine's questions, answered by other threads, while openssl s_client or gnutls-cli waits. (Sessions, tickets,
// certificates and staples: tests/examples/https_server_lookups_test.cc.)
#include <openssl/ssl.h>

#include "tests/interop/fixture.h"

namespace openssl_event::interop {
namespace {

constexpr char kPskHex[] = "0102030405060708090a0b0c0d0e0f10";

class LookupServer : public ServerTest, public ::testing::WithParamInterface<int> {
 protected:
  void ask(unsigned lookups) {
    serve(GetParam());
    ASSERT_EQ(openssl_setLookups(context_.get(), lookups), 1);
  }
  // As ServerTest::run, and each question is answered by another thread.
  void run_and_answer(const Words& command, std::function<void(OPENSSL_EVENT*)> answer) {
    run(command);
    machine().on_lookup = std::move(answer);
  }
  Words s_client() const {
    return {"openssl",     "s_client", "-connect", "127.0.0.1:" + port(), "-CAfile", certificate_file(KeyType::kEcP256),
            "-servername", "localhost"};
  }
  Words gnutls_client() const { return {"gnutls-cli", "-p", port(), "127.0.0.1", "--insecure"}; }
  bool is_tls13() const { return GetParam() == TLS1_3_VERSION; }

  // The client shows that it knows the key; the server has a certificate beside.
  void use_psk() {
    ask(OPENSSL_LOOKUP_PSK);
    SSL_CTX_set_cipher_list(context_.get(), "PSK:ALL");
    SSL_CTX_set_ciphersuites(context_.get(), "TLS_AES_128_GCM_SHA256");
  }
  static void answer_psk(OPENSSL_EVENT* e) {
    const OPENSSL_PSK_LOOKUP& wanted = *e->l.u.psk;
    const std::string identity(reinterpret_cast<const char*>(wanted.identity), wanted.identity_len);
    long size = 0;
    unsigned char* key = OPENSSL_hexstr2buf(kPskHex, &size);
    identity == "device-17" ? openssl_answerPsk(e, nullptr, key, static_cast<std::size_t>(size))
                            : openssl_answerNone(e);
    OPENSSL_free(key);
  }
};
INSTANTIATE_TEST_SUITE_P(All, LookupServer, kBothVersions, NameOfParameter());

TEST_P(LookupServer, ChoosesAlpnForSClient) {
  ask(OPENSSL_LOOKUP_ALPN);
  run_and_answer(s_client() + Words{"-alpn", "h2,http/1.1"}, [](OPENSSL_EVENT* e) {
    openssl_answerAlpn(e, reinterpret_cast<const unsigned char*>("http/1.1"), 8);
  });
  ASSERT_TRUE(established() && peer_says("ALPN protocol: http/1.1")) << story();
  EXPECT_TRUE(data_flows()) << story();
}

TEST_P(LookupServer, ChoosesAlpnForGnutls) {
  ask(OPENSSL_LOOKUP_ALPN);
  run_and_answer(gnutls_client() + Words{"--alpn=h2", "--alpn=http/1.1"},
                 [](OPENSSL_EVENT* e) { openssl_answerAlpn(e, reinterpret_cast<const unsigned char*>("h2"), 2); });
  ASSERT_TRUE(established() && peer_says("Application protocol: h2")) << story();
}

TEST_P(LookupServer, AcceptsTheHelloOfSClientAndRefusesIt) {
  ask(OPENSSL_LOOKUP_CLIENT_HELLO);
  run_and_answer(s_client(), [](OPENSSL_EVENT* e) {
    EXPECT_STREQ(e->l.u.client_hello->server_name, "localhost");
    openssl_answerAccept(e);
  });
  ASSERT_TRUE(established()) << story();
  run_and_answer(s_client(), [](OPENSSL_EVENT* e) { openssl_answerAlert(e, SSL_AD_ACCESS_DENIED); });
  EXPECT_FALSE(established());
  EXPECT_TRUE(peer().said("access denied")) << story();
}

TEST_P(LookupServer, FindsThePskOfSClient) {
  use_psk();
  Words command = s_client() + Words{"-psk", kPskHex, "-psk_identity", "device-17"};
  if (!is_tls13()) command = command + Words{"-cipher", "PSK"};
  run_and_answer(command, answer_psk);
  ASSERT_TRUE(established() && data_flows()) << story();
  EXPECT_EQ(machine().lookups(), 1);
  EXPECT_EQ(machine().calls_on_workers(), 0);  // no signature
}

TEST_P(LookupServer, FindsThePskOfGnutls) {
  use_psk();
  const std::string priority =
      is_tls13() ? "NORMAL:-VERS-ALL:+VERS-TLS1.3:+PSK:+DHE-PSK" : "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK";
  run_and_answer(gnutls_client() + Words{"--pskusername", "device-17", "--pskkey", kPskHex, "--priority", priority},
                 answer_psk);
  ASSERT_TRUE(established()) << story();
  EXPECT_GE(machine().lookups(), 1);
  EXPECT_EQ(machine().calls_on_workers(), 0);
}

TEST_P(LookupServer, KnowsNoOtherPsk) {
  use_psk();
  Words command = s_client() + Words{"-psk", kPskHex, "-psk_identity", "device-18"};
  if (!is_tls13()) command = command + Words{"-cipher", "PSK"};
  run_and_answer(command, answer_psk);
  EXPECT_EQ(established(), is_tls13()) << story();  // by certificate
  EXPECT_EQ(machine().lookups(), 1);
}

TEST_P(LookupServer, VerifiesTheCertificateOfSClient) {
  ask(OPENSSL_LOOKUP_VERIFY);
  testing::trust(context_.get(), KeyType::kEcP384);
  testing::demand_certificate(context_.get());
  for (const KeyType key : {KeyType::kEcP384, KeyType::kEcP521}) {  // trusted, and not
    run_and_answer(s_client() + Words{"-cert", certificate_file(key), "-key", key_file(key)},
                   [](OPENSSL_EVENT* e) { openssl_verifyChain(e); });
    EXPECT_EQ(established(), key == KeyType::kEcP384) << story();
  }
  EXPECT_EQ(machine().failure(), OPENSSL_REASON_VERIFY);
}

}  // namespace
}  // namespace openssl_event::interop
