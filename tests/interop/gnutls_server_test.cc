// The machine as client of gnutls-serv. That listens on all addresses: it has no option to choose.
#include "tests/interop/fixture.h"

namespace openssl_event::interop {
namespace {

class GnutlsServer : public ClientTest {
 protected:
  static Words server(KeyType key, int version) {
    const std::string only = version == TLS1_3_VERSION ? "1.3" : "1.2";
    return {"gnutls-serv",   "--echo",      "--x509certfile", certificate_file(key),
            "--x509keyfile", key_file(key), "--priority",     "NORMAL:-VERS-ALL:+VERS-TLS" + only};
  }

  // Its port is ours to choose; should another program be faster to take it, once more.
  void start_and_connect(const Words& command) {
    for (int attempt = 0; attempt < 5; ++attempt) {
      port_ = free_port();
      peer_.emplace(command + Words{"--port", port_});
      if (peer_->wait_until_said("IPv4 0.0.0.0 port " + port_ + "...done")) return connect(port_);
    }
    FAIL() << "it does not listen\n" << story();
  }

  // It echoes lines.
  bool data_is_echoed() {
    const std::string line = "echo of line " + std::to_string(++lines_) + "\n";
    machine().send(line);
    return machine_receives(line);
  }
  std::string port_;

 private:
  int lines_ = 0;
};

class GnutlsServerMatrix : public GnutlsServer, public ::testing::WithParamInterface<KeyAndVersion> {};

TEST_P(GnutlsServerMatrix, MutualTlsWithTheClientsKeyOnAWorkerCarriesDataBothWays) {
  const auto [key, version] = GetParam();
  note_in_matrix("gnutls-serv", key, version, "FAILED");
  trust(version, key);
  testing::use_key(context_.get(), key, true);
  start_and_connect(server(key, version) +
                    Words{"--require-client-cert", "--verify-client-cert", "--x509cafile", certificate_file(key)});
  ASSERT_TRUE(established()) << story();
  EXPECT_TRUE(data_is_echoed()) << story();
  EXPECT_EQ(machine().calls_on_workers(), 1);
  EXPECT_EQ(machine().calls_here(), 0);
  EXPECT_TRUE(peer_says("The certificate is trusted")) << story();
  note_in_matrix("gnutls-serv", key, version, machine().negotiated().cipher);
}
INSTANTIATE_TEST_SUITE_P(All, GnutlsServerMatrix, kEveryKeyInBothVersions, NameOfParameter());

class GnutlsServerOfVersion : public GnutlsServer, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(All, GnutlsServerOfVersion, kBothVersions, NameOfParameter());

TEST_P(GnutlsServerOfVersion, ResumesOurSession) {
  trust(GetParam());
  start_and_connect(server(KeyType::kEcP256, GetParam()));
  ASSERT_TRUE(established() && data_is_echoed()) << story();
  const std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)> session(
      SSL_get1_session(openssl_ssl(machine().machine())), SSL_SESSION_free);
  machine().close();
  ASSERT_TRUE(close_notify_received()) << story();
  connect(port_, session.get());
  ASSERT_TRUE(established() && data_is_echoed()) << story();
  EXPECT_TRUE(machine().negotiated().resumed);
}

TEST_P(GnutlsServerOfVersion, AgreesOnAProtocol) {
  trust(GetParam());
  alpn_ = "\x2h2\x8http/1.1";
  start_and_connect(server(KeyType::kEcP256, GetParam()) + Words{"--alpn", "http/1.1", "--alpn-fatal"});
  ASSERT_TRUE(established() && data_is_echoed()) << story();
  const OPENSSL_NEGOTIATED negotiated = machine().negotiated();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(negotiated.alpn), negotiated.alpn_len), "http/1.1");
}

TEST_P(GnutlsServerOfVersion, TenMegabytesComeBackUnchanged) {
  trust(GetParam());
  start_and_connect(server(KeyType::kEcP256, GetParam()) + Words{"--quiet"});
  ASSERT_TRUE(established()) << story();
  std::string lines;  // it takes no more than a kilobyte at a time, and only text
  for (unsigned i = 0; lines.size() < much_data().size(); ++i) lines += std::to_string(i * 2654435761u) + "\n";
  machine().send(lines);
  ASSERT_TRUE(machine().run_until([&, this] { return machine().received().size() == lines.size(); }, &peer()))
      << story();
  EXPECT_EQ(sha256(machine().received()), sha256(lines));
}

TEST_F(GnutlsServer, MakesUsRetryOurHello) {
  trust(TLS1_3_VERSION);
  Words command = server(KeyType::kEcP256, TLS1_3_VERSION);
  command.back() += ":-GROUP-ALL:+GROUP-SECP384R1";
  start_and_connect(command);
  ASSERT_TRUE(established() && data_is_echoed()) << story();
  EXPECT_STREQ(machine().negotiated().group, "secp384r1");
}

}  // namespace
}  // namespace openssl_event::interop
