// The machine as server of gnutls-cli.
#include "tests/interop/fixture.h"

namespace openssl_event::interop {
namespace {

class GnutlsClient : public ServerTest {
 protected:
  Words client(KeyType key, int version) const {
    const std::string only = version == TLS1_3_VERSION ? "1.3" : "1.2";
    return {"gnutls-cli",
            "--port",
            port(),
            "--x509cafile",
            certificate_file(key),
            "--priority",
            "NORMAL:-VERS-ALL:+VERS-TLS" + only,
            "--verify-hostname",
            "localhost",
            "--sni-hostname",
            "localhost",
            "127.0.0.1"};
  }
};

class GnutlsClientMatrix : public GnutlsClient, public ::testing::WithParamInterface<KeyAndVersion> {};

TEST_P(GnutlsClientMatrix, MutualTlsWithTheServersKeyOnAWorkerCarriesDataBothWays) {
  const auto [key, version] = GetParam();
  note_in_matrix("gnutls-cli", key, version, "FAILED");
  serve(version, key);
  testing::trust(context_.get(), key);
  testing::demand_certificate(context_.get());
  run(client(key, version) + Words{"--x509certfile", certificate_file(key), "--x509keyfile", key_file(key)});
  ASSERT_TRUE(established()) << story();
  EXPECT_TRUE(data_flows()) << story();
  EXPECT_EQ(machine().calls_on_workers(), 1);
  EXPECT_EQ(machine().calls_here(), 0);
  note_in_matrix("gnutls-cli", key, version, machine().negotiated().cipher);
}
INSTANTIATE_TEST_SUITE_P(All, GnutlsClientMatrix, kEveryKeyInBothVersions, NameOfParameter());

class GnutlsClientOfVersion : public GnutlsClient, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(All, GnutlsClientOfVersion, kBothVersions, NameOfParameter());

TEST_P(GnutlsClientOfVersion, SeesOurCloseNotify) {
  serve(GetParam());
  run(client(KeyType::kEcP256, GetParam()));
  ASSERT_TRUE(established() && data_flows()) << story();
  machine().close();
  EXPECT_TRUE(peer_says("Peer has closed the GnuTLS connection")) << story();
}

TEST_P(GnutlsClientOfVersion, ItsCloseNotifyIsSeen) {
  serve(GetParam());
  run(client(KeyType::kEcP256, GetParam()));
  ASSERT_TRUE(established() && data_flows()) << story();
  peer().close_input();
  EXPECT_TRUE(close_notify_received()) << story();
  EXPECT_EQ(machine().failure(), OPENSSL_REASON_NONE);
}

// It writes what it receives byte by byte, a system call each, so one megabyte must do for that way.
TEST_P(GnutlsClientOfVersion, TenMegabytesArriveAndOneIsDeliveredUnchanged) {
  serve(GetParam());
  const std::string got = scratch_file("got");
  const std::string megabyte = much_data().substr(0, std::size_t{1} << 20);
  run(client(KeyType::kEcP256, GetParam()) + Words{"--logfile", scratch_file("log")},
      {.input = much_data_file(), .output = got, .directory = ""});
  ASSERT_TRUE(established()) << story();
  ASSERT_TRUE(machine().run_until([this] { return machine().received().size() == much_data().size(); }, &peer()))
      << story();
  EXPECT_EQ(sha256(machine().received()), sha256(much_data()));
  machine().send(megabyte);
  machine().close();
  ASSERT_TRUE(machine().run_until([this] { return peer().closed_output(); }, &peer())) << story();
  ASSERT_TRUE(peer().wait_for_end());
  EXPECT_EQ(sha256(read_file(got)), sha256(megabyte));
}

TEST_F(GnutlsClient, RetriesItsHelloWithOurGroup) {
  serve(TLS1_3_VERSION);
  char group[] = "P-521";
  ASSERT_TRUE(SSL_CTX_set1_groups_list(context_.get(), group));
  run(client(KeyType::kEcP256, TLS1_3_VERSION) + Words{"--single-key-share"});
  ASSERT_TRUE(established() && data_flows()) << story();
  EXPECT_STREQ(machine().negotiated().group, "secp521r1");
}

}  // namespace
}  // namespace openssl_event::interop
