// The machine as server of curl, with as much HTTP as that takes.
#include "tests/interop/fixture.h"

namespace openssl_event::interop {
namespace {

class Curl : public ServerTest {
 protected:
  Words curl(KeyType key, int version) const {
    const std::string only = version == TLS1_3_VERSION ? "1.3" : "1.2";
    return {"curl",
            "--disable",
            "--silent",
            "--show-error",
            "--no-buffer",
            "--http1.1",
            "--noproxy",
            "*",
            "--max-time",
            std::to_string(kPatienceSeconds),
            "--cacert",
            certificate_file(key),
            "--resolve",
            "localhost:" + port() + ":127.0.0.1",
            "--tlsv" + only,
            "--tls-max",
            only,
            "https://localhost:" + port() + "/"};
  }
  // Its end is that of the connection.
  void respond(const std::string& body) {
    machine().send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body);
    machine().close();
  }
  bool ends_well() {
    return machine().run_until([this] { return machine().close_notify_received() || peer().closed_output(); },
                               &peer()) &&
           peer().wait_for_end() && peer().exit_status() == 0;
  }
};

class CurlMatrix : public Curl, public ::testing::WithParamInterface<KeyAndVersion> {};

TEST_P(CurlMatrix, FetchesOverMutualTlsWithTheServersKeyOnAWorker) {
  const auto [key, version] = GetParam();
  note_in_matrix("curl", key, version, "FAILED");
  serve(version, key);
  testing::trust(context_.get(), key);
  testing::demand_certificate(context_.get());
  run(curl(key, version) + Words{"--cert", certificate_file(key), "--key", key_file(key)});
  ASSERT_TRUE(machine_receives("\r\n\r\n")) << story();
  respond("it works");
  EXPECT_TRUE(ends_well()) << story();
  EXPECT_TRUE(peer().said("it works")) << story();
  EXPECT_EQ(machine().calls_on_workers(), 1);
  EXPECT_EQ(machine().calls_here(), 0);
  note_in_matrix("curl", key, version, machine().negotiated().cipher);
}
INSTANTIATE_TEST_SUITE_P(All, CurlMatrix, kEveryKeyInBothVersions, NameOfParameter());

class CurlOfVersion : public Curl, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(All, CurlOfVersion, kBothVersions, NameOfParameter());

TEST_P(CurlOfVersion, DownloadsTenMegabytesUnchanged) {
  serve(GetParam());
  const std::string got = scratch_file("got");
  run(curl(KeyType::kEcP256, GetParam()) + Words{"--output", got});
  ASSERT_TRUE(machine_receives("\r\n\r\n")) << story();
  respond(much_data());
  EXPECT_TRUE(ends_well()) << story();
  EXPECT_EQ(sha256(read_file(got)), sha256(much_data()));
}

TEST_P(CurlOfVersion, UploadsTenMegabytesUnchanged) {
  serve(GetParam());
  run(curl(KeyType::kEcP256, GetParam()) + Words{"--data-binary", "@" + much_data_file(), "--header", "Expect:"});
  ASSERT_TRUE(machine_receives("\r\n\r\n")) << story();
  const std::size_t body = machine().received().find("\r\n\r\n") + 4;
  ASSERT_TRUE(
      machine().run_until([&, this] { return machine().received().size() == body + much_data().size(); }, &peer()))
      << story();
  EXPECT_EQ(sha256(machine().received().substr(body)), sha256(much_data()));
  respond("thanks");
  EXPECT_TRUE(ends_well()) << story();
}

}  // namespace
}  // namespace openssl_event::interop
