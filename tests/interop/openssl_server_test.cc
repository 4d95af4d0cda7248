// The machine as client of `openssl s_server`.
#include "tests/interop/fixture.h"

namespace openssl_event::interop {
namespace {

using Session = std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)>;

class OpensslServer : public ClientTest {
 protected:
  static Words server(KeyType key = KeyType::kEcP256) {
    return {"openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", certificate_file(key), "-key", key_file(key)};
  }
  void start(const Words& command, const Child::Files& files = {}) {
    port_ = start_s_server(command, files);
    ASSERT_NE(port_, "") << story();
  }
  void start_and_connect(const Words& command) {
    start(command);
    if (!HasFatalFailure()) connect(port_);
  }
  std::string port_;
};

class OpensslServerMatrix : public OpensslServer, public ::testing::WithParamInterface<KeyAndVersion> {};

TEST_P(OpensslServerMatrix, MutualTlsWithTheClientsKeyOnAWorkerCarriesDataBothWays) {
  const auto [key, version] = GetParam();
  note_in_matrix("openssl s_server", key, version, "FAILED");
  trust(version, key);
  testing::use_key(context_.get(), key, true);
  start_and_connect(server(key) + Words{"-Verify", "1", "-verify_return_error", "-CAfile", certificate_file(key)});
  ASSERT_TRUE(established()) << story();
  EXPECT_TRUE(data_flows()) << story();
  EXPECT_EQ(machine().calls_on_workers(), 1);
  EXPECT_EQ(machine().calls_here(), 0);
  EXPECT_TRUE(peer().said("Client certificate")) << story();
  note_in_matrix("openssl s_server", key, version, machine().negotiated().cipher);
}
INSTANTIATE_TEST_SUITE_P(All, OpensslServerMatrix, kEveryKeyInBothVersions, NameOfParameter());

class OpensslServerOfVersion : public OpensslServer, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(All, OpensslServerOfVersion, kBothVersions, NameOfParameter());

TEST_P(OpensslServerOfVersion, ResumesOurSession) {
  trust(GetParam());
  start_and_connect(server());
  ASSERT_TRUE(established() && data_flows()) << story();
  const Session session(SSL_get1_session(openssl_ssl(machine().machine())), SSL_SESSION_free);
  machine().close();
  ASSERT_TRUE(close_notify_received()) << story();
  connect(port_, session.get());
  ASSERT_TRUE(established() && data_flows()) << story();
  EXPECT_TRUE(machine().negotiated().resumed);
  EXPECT_TRUE(peer().said("Reused session-id")) << story();
}

TEST_P(OpensslServerOfVersion, ShowsTheCertificateOfTheNameWeAskFor) {
  trust(GetParam(), KeyType::kEd25519);
  start_and_connect(server(KeyType::kEcP256) + Words{"-servername", "localhost", "-cert2",
                                                     certificate_file(KeyType::kEd25519), "-key2",
                                                     key_file(KeyType::kEd25519)});
  EXPECT_TRUE(established() && data_flows()) << story();
}

TEST_P(OpensslServerOfVersion, AgreesOnAProtocol) {
  trust(GetParam());
  alpn_ = "\x2h2\x8http/1.1";
  start_and_connect(server() + Words{"-alpn", "http/1.1"});
  ASSERT_TRUE(established() && data_flows()) << story();
  const OPENSSL_NEGOTIATED negotiated = machine().negotiated();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(negotiated.alpn), negotiated.alpn_len), "http/1.1");
}

TEST_P(OpensslServerOfVersion, SeesOurCloseNotifyAndAnswersIt) {
  trust(GetParam());
  start_and_connect(server());
  ASSERT_TRUE(established() && data_flows()) << story();
  machine().close();
  EXPECT_TRUE(close_notify_received()) << story();
  EXPECT_TRUE(peer_says("DONE\n")) << story();
  EXPECT_FALSE(peer().said("ERROR")) << story();
}

// It closes the transport only.
TEST_P(OpensslServerOfVersion, ThatBreaksOffIsReportedAsTruncation) {
  trust(GetParam());
  start_and_connect(server());
  ASSERT_TRUE(established() && data_flows()) << story();
  peer().write("q\n");
  ASSERT_TRUE(machine().run_until([this] { return machine().failure() != 0; }, &peer())) << story();
  EXPECT_EQ(machine().failure(), OPENSSL_REASON_TRUNCATED) << story();
}

TEST_P(OpensslServerOfVersion, TenMegabytesArriveUnchanged) {
  trust(GetParam());
  much_data_file();
  start(server() + Words{"-WWW"}, {.input = "", .output = "", .directory = scratch_directory()});
  connect(port_);
  ASSERT_TRUE(established()) << story();
  machine().send("GET /much_data HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(close_notify_received()) << story();
  const std::string& response = machine().received();
  EXPECT_EQ(sha256(response.substr(response.find("\r\n\r\n") + 4)), sha256(much_data()));
}

TEST_P(OpensslServerOfVersion, TenMegabytesAreDeliveredUnchanged) {
  trust(GetParam());
  start_and_connect(server());
  ASSERT_TRUE(established()) << story();
  const std::string begin = "<<<begin>>>", end = "<<<end>>>";
  machine().send(begin + much_data() + end);
  ASSERT_TRUE(machine().run_until([&, this] { return peer().output().ends_with(end); }, &peer())) << story();
  const std::string& said = peer().output();
  const std::size_t at = said.find(begin) + begin.size();
  EXPECT_EQ(sha256(said.substr(at, said.size() - end.size() - at)), sha256(much_data()));
}

TEST_F(OpensslServer, UpdatesKeysAtItsRequest) {
  trust(TLS1_3_VERSION);
  start_and_connect(server() + Words{"-msg"});
  ASSERT_TRUE(established() && data_flows()) << story();
  peer().write("k\n");
  ASSERT_TRUE(peer_says(", KeyUpdate\n", 1) && data_flows()) << story();
  peer().write("K\n");
  ASSERT_TRUE(peer_says(", KeyUpdate\n", 2) && data_flows() && data_flows()) << story();
  EXPECT_EQ(peer().times_said(", KeyUpdate\n"), 3) << story();  // k, K, and our answer to K
}

TEST_F(OpensslServer, AcceptsOurKeyUpdates) {
  trust(TLS1_3_VERSION);
  start_and_connect(server() + Words{"-msg"});
  ASSERT_TRUE(established() && data_flows()) << story();
  ASSERT_TRUE(openssl_updateKey(machine().machine(), 0));
  ASSERT_TRUE(data_flows()) << story();
  ASSERT_TRUE(openssl_updateKey(machine().machine(), 1));
  ASSERT_TRUE(data_flows() && data_flows()) << story();
  EXPECT_EQ(machine().key_updates(), 2);
  EXPECT_EQ(peer().times_said(", KeyUpdate\n"), 3) << story();
}

TEST_F(OpensslServer, IsRefusedRenegotiationByDefault) {
  trust(TLS1_2_VERSION);
  start_and_connect(server());
  ASSERT_TRUE(established() && data_flows()) << story();
  peer().write("r\n");
  EXPECT_TRUE(peer_says("no renegotiation")) << story();
  EXPECT_EQ(machine().handshakes(), 1);
}

TEST_F(OpensslServer, RenegotiatesWhereAllowed) {
  trust(TLS1_2_VERSION);
  start_and_connect(server());
  openssl_allowRenegotiation(machine().machine(), 1);
  ASSERT_TRUE(established() && data_flows()) << story();
  peer().write("r\n");
  ASSERT_TRUE(machine().run_until([this] { return machine().handshakes() == 2; }, &peer())) << story();
  EXPECT_TRUE(data_flows()) << story();
}

// A certificate that is asked for only then: the signature is made inside a read. A resumption would ask for none.
TEST_F(OpensslServer, RenegotiatesForOurCertificateWhoseKeyIsOnAWorker) {
  trust(TLS1_2_VERSION);
  testing::use_key(context_.get(), KeyType::kEcP256, true);
  start_and_connect(server() + Words{"-CAfile", certificate_file(KeyType::kEcP256), "-no_ticket", "-no_cache"});
  openssl_allowRenegotiation(machine().machine(), 1);
  ASSERT_TRUE(established() && data_flows()) << story();
  EXPECT_EQ(machine().calls_on_workers(), 0);
  peer().write("R\n");
  ASSERT_TRUE(machine().run_until([this] { return machine().handshakes() == 2; }, &peer())) << story();
  EXPECT_TRUE(data_flows()) << story();
  EXPECT_EQ(machine().calls_on_workers(), 1) << story();
}

// The same in TLS 1.3: post-handshake authentication.
TEST_F(OpensslServer, AsksForOurCertificateAfterTheHandshake) {
  trust(TLS1_3_VERSION);
  testing::use_key(context_.get(), KeyType::kEcP256, true);
  SSL_CTX_set_post_handshake_auth(context_.get(), 1);
  start_and_connect(server() + Words{"-CAfile", certificate_file(KeyType::kEcP256)});
  ASSERT_TRUE(established() && data_flows()) << story();
  EXPECT_EQ(machine().calls_on_workers(), 0);
  peer().write("c\n");
  ASSERT_TRUE(machine().run_until([this] { return machine().calls_on_workers() == 1; }, &peer())) << story();
  EXPECT_TRUE(data_flows()) << story();
}

TEST_F(OpensslServer, RenegotiatesAtOurRequest) {
  trust(TLS1_2_VERSION);
  start_and_connect(server() + Words{"-client_renegotiation"});
  openssl_allowRenegotiation(machine().machine(), 1);
  ASSERT_TRUE(established() && data_flows()) << story();
  ASSERT_TRUE(openssl_renegotiate(machine().machine()));
  ASSERT_TRUE(machine().run_until([this] { return machine().handshakes() == 2; }, &peer())) << story();
  EXPECT_TRUE(data_flows()) << story();
}

TEST_F(OpensslServer, MakesUsRetryOurHello) {
  trust(TLS1_3_VERSION);
  start_and_connect(server() + Words{"-groups", "P-384", "-msg"});
  ASSERT_TRUE(established() && data_flows()) << story();
  EXPECT_EQ(peer().times_said(", ClientHello\n"), 2) << story();
  EXPECT_STREQ(machine().negotiated().group, "secp384r1");
}

TEST_F(OpensslServer, WhoseCertificateWeDoNotTrustIsToldSo) {
  trust(TLS1_3_VERSION, KeyType::kEd25519);
  start_and_connect(server(KeyType::kEcP256));
  ASSERT_TRUE(machine().run_until([this] { return machine().failure() != 0; }, &peer())) << story();
  EXPECT_EQ(machine().failure(), OPENSSL_REASON_VERIFY) << story();
  EXPECT_TRUE(peer_says("alert")) << story();
}

}  // namespace
}  // namespace openssl_event::interop
