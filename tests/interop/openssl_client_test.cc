// The machine as server of `openssl s_client`.
#include "tests/interop/fixture.h"

namespace openssl_event::interop {
namespace {

class OpensslClient : public ServerTest {
 protected:
  Words client(KeyType key = KeyType::kEcP256) const {
    return {"openssl",
            "s_client",
            "-connect",
            "127.0.0.1:" + port(),
            "-servername",
            "localhost",
            "-CAfile",
            certificate_file(key),
            "-verify_return_error",
            "-verify_hostname",
            "localhost"};
  }
};

class OpensslClientMatrix : public OpensslClient, public ::testing::WithParamInterface<KeyAndVersion> {};

TEST_P(OpensslClientMatrix, MutualTlsWithTheServersKeyOnAWorkerCarriesDataBothWays) {
  const auto [key, version] = GetParam();
  note_in_matrix("openssl s_client", key, version, "FAILED");
  serve(version, key);
  testing::trust(context_.get(), key);
  testing::demand_certificate(context_.get());
  run(client(key) + Words{"-cert", certificate_file(key), "-key", key_file(key)});
  ASSERT_TRUE(established()) << story();
  EXPECT_TRUE(data_flows()) << story();
  EXPECT_EQ(machine().calls_on_workers(), 1);
  EXPECT_EQ(machine().calls_here(), 0);
  EXPECT_EQ(SSL_get_verify_result(openssl_ssl(machine().machine())), X509_V_OK);
  note_in_matrix("openssl s_client", key, version, machine().negotiated().cipher);
}
INSTANTIATE_TEST_SUITE_P(All, OpensslClientMatrix, kEveryKeyInBothVersions, NameOfParameter());

class OpensslClientOfVersion : public OpensslClient, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(All, OpensslClientOfVersion, kBothVersions, NameOfParameter());

TEST_P(OpensslClientOfVersion, ResumesItsSessionWithoutASignature) {
  serve(GetParam());
  const std::string session = scratch_file("session");
  run(client() + Words{"-sess_out", session});
  ASSERT_TRUE(established() && data_flows()) << story();
  peer().write("Q\n");
  ASSERT_TRUE(close_notify_received()) << story();
  run(client() + Words{"-sess_in", session});
  ASSERT_TRUE(established() && data_flows()) << story();
  EXPECT_TRUE(machine().negotiated().resumed);
  EXPECT_TRUE(peer().said("Reused, TLS")) << story();
  EXPECT_EQ(machine().calls_on_workers(), 0);
}

int take_http_1_1(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in, unsigned in_size,
                  void*) {
  unsigned char* chosen = nullptr;
  const auto* ours = reinterpret_cast<const unsigned char*>("\x8http/1.1");
  const int outcome = SSL_select_next_proto(&chosen, size, ours, 9, in, in_size);
  *out = chosen;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

TEST_P(OpensslClientOfVersion, AgreesOnProtocolAndServerName) {
  serve(GetParam());
  SSL_CTX_set_alpn_select_cb(context_.get(), take_http_1_1, nullptr);
  run(client() + Words{"-alpn", "h2,http/1.1"});
  ASSERT_TRUE(established() && peer_says("ALPN protocol: http/1.1")) << story();
  const OPENSSL_NEGOTIATED negotiated = machine().negotiated();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(negotiated.alpn), negotiated.alpn_len), "http/1.1");
  EXPECT_STREQ(negotiated.server_name, "localhost");
}

TEST_P(OpensslClientOfVersion, SeesOurCloseNotify) {
  serve(GetParam());
  run(client());
  ASSERT_TRUE(established() && data_flows()) << story();
  machine().close();
  EXPECT_TRUE(peer_says("closed\n")) << story();  // the end of the transport without it would be "read:errno="
  EXPECT_TRUE(machine().close_notify_sent());
}

TEST_P(OpensslClientOfVersion, ItsCloseNotifyIsSeen) {
  serve(GetParam());
  run(client());
  ASSERT_TRUE(established() && data_flows()) << story();
  peer().write("Q\n");
  EXPECT_TRUE(close_notify_received()) << story();
  EXPECT_EQ(machine().failure(), OPENSSL_REASON_NONE);
}

TEST_P(OpensslClientOfVersion, TenMegabytesArriveUnchanged) {
  serve(GetParam());
  run(client() + Words{"-quiet"}, {.input = much_data_file(), .output = "", .directory = ""});
  ASSERT_TRUE(machine().run_until([&] { return machine().received().size() == much_data().size(); }, &peer()))
      << story();
  EXPECT_EQ(sha256(machine().received()), sha256(much_data()));
}

TEST_P(OpensslClientOfVersion, TenMegabytesAreDeliveredUnchanged) {
  serve(GetParam());
  const std::string got = scratch_file("got");
  run(client() + Words{"-quiet"}, {.input = "", .output = got, .directory = ""});
  ASSERT_TRUE(established()) << story();
  machine().send(much_data());
  machine().close();
  ASSERT_TRUE(machine().run_until([&] { return machine().close_notify_received(); }, &peer())) << story();
  ASSERT_TRUE(peer().wait_for_end());
  EXPECT_EQ(sha256(read_file(got)), sha256(much_data()));
}

TEST_F(OpensslClient, UpdatesKeysAtItsRequest) {
  serve(TLS1_3_VERSION);
  run(client() + Words{"-msg"});
  ASSERT_TRUE(established() && data_flows()) << story();
  peer().write("k\n");
  ASSERT_TRUE(peer_says("KEYUPDATE", 1) && data_flows()) << story();
  peer().write("K\n");
  ASSERT_TRUE(peer_says("KEYUPDATE", 2) && data_flows() && data_flows())
      << story();                                               // the answer comes with our next data
  EXPECT_EQ(peer().times_said(", KeyUpdate\n"), 3) << story();  // k, K, and our answer to K
}

TEST_F(OpensslClient, AcceptsOurKeyUpdates) {
  serve(TLS1_3_VERSION);
  run(client() + Words{"-msg"});
  ASSERT_TRUE(established() && data_flows()) << story();
  ASSERT_TRUE(openssl_updateKey(machine().machine(), 0));
  ASSERT_TRUE(data_flows()) << story();
  ASSERT_TRUE(openssl_updateKey(machine().machine(), 1));
  ASSERT_TRUE(data_flows() && data_flows()) << story();
  EXPECT_EQ(machine().key_updates(), 2);
  EXPECT_EQ(peer().times_said(", KeyUpdate\n"), 3) << story();
}

TEST_F(OpensslClient, IsRefusedRenegotiationByDefault) {
  serve(TLS1_2_VERSION);
  run(client());
  ASSERT_TRUE(established() && data_flows()) << story();
  peer().write("R\n");
  EXPECT_TRUE(peer_says("no renegotiation")) << story();
  EXPECT_EQ(machine().handshakes(), 1);
}

TEST_F(OpensslClient, RenegotiatesWhereAllowed) {
  serve(TLS1_2_VERSION);
  SSL_CTX_set_options(context_.get(), SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
  run(client());
  openssl_allowRenegotiation(machine().machine(), 1);
  ASSERT_TRUE(established() && data_flows()) << story();
  peer().write("R\n");
  ASSERT_TRUE(machine().run_until([&] { return machine().handshakes() == 2; }, &peer())) << story();
  EXPECT_TRUE(data_flows()) << story();
}

TEST_F(OpensslClient, RenegotiatesAtOurRequest) {
  serve(TLS1_2_VERSION);
  run(client());
  openssl_allowRenegotiation(machine().machine(), 1);
  ASSERT_TRUE(established() && data_flows()) << story();
  ASSERT_TRUE(openssl_renegotiate(machine().machine()));
  machine().send("meanwhile\n");
  ASSERT_TRUE(machine().run_until([&] { return machine().handshakes() == 2; }, &peer())) << story();
  EXPECT_TRUE(peer_says("meanwhile") && data_flows()) << story();
}

TEST_F(OpensslClient, RetriesItsHelloWithOurGroup) {
  serve(TLS1_3_VERSION);
  char group[] = "P-384";
  ASSERT_TRUE(SSL_CTX_set1_groups_list(context_.get(), group));
  run(client() + Words{"-groups", "X25519:P-384", "-msg"});
  ASSERT_TRUE(established() && data_flows()) << story();
  EXPECT_EQ(peer().times_said(", ClientHello\n"), 2) << story();
  EXPECT_STREQ(machine().negotiated().group, "secp384r1");
}

TEST_F(OpensslClient, ThatDistrustsUsIsToldApart) {
  serve(TLS1_3_VERSION, KeyType::kEd25519);
  run(client(KeyType::kEcP256));
  ASSERT_TRUE(machine().run_until([&] { return machine().failure() != 0; }, &peer())) << story();
  EXPECT_EQ(machine().failure(), OPENSSL_REASON_ALERT) << story();
}

}  // namespace
}  // namespace openssl_event::interop
