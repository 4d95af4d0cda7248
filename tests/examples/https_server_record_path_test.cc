// The server's data on the record path, with each suite that it takes, against clients nobody here wrote.
#include <gtest/gtest.h>

#include "tests/examples/server.h"

namespace {

struct Suite {
  const char* name;  // OpenSSL's
  bool tls13;
  const char* gnutls;
};

constexpr Suite kSuites[] = {{"TLS_AES_128_GCM_SHA256", true, "AES-128-GCM"},
                             {"TLS_AES_256_GCM_SHA384", true, "AES-256-GCM"},
                             {"TLS_CHACHA20_POLY1305_SHA256", true, "CHACHA20-POLY1305"},
                             {"ECDHE-ECDSA-AES128-GCM-SHA256", false, "AES-128-GCM"},
                             {"ECDHE-ECDSA-AES256-GCM-SHA384", false, "AES-256-GCM"},
                             {"ECDHE-ECDSA-CHACHA20-POLY1305", false, "CHACHA20-POLY1305"}};

struct HttpsServerRecordPath : testing::TestWithParam<Suite> {
  Server server{https_server({"--ec", "--workers", "1", "--always-record-path"})};
  ~HttpsServerRecordPath() override {
    EXPECT_EQ(server.metric(R"(openssl_event_requests_total{path="LIBSSL"})"), 0);
    EXPECT_EQ(server.stop(), 0) << server.process().errors();
  }

  static const Suite& suite() { return GetParam(); }
  Result fetch(const std::string& path) {
    const char* flag = suite().tls13 ? "--tls13-ciphers" : "--ciphers";
    return run(curl({flag, suite().name, "--tls-max", suite().tls13 ? "1.3" : "1.2", server.url(path)}));
  }
};
std::string name_of(const testing::TestParamInfo<Suite>& info) {
  std::string name = info.param.name;
  std::erase_if(name, [](char c) { return c == '-' || c == '_'; });
  return name;
}
INSTANTIATE_TEST_SUITE_P(Suites, HttpsServerRecordPath, testing::ValuesIn(kSuites), name_of);

TEST_P(HttpsServerRecordPath, CurlIsServed) {
  const Result page = fetch("/");
  EXPECT_TRUE(contains(page.output, suite().name) && contains(page.output, "DIRECT")) << page.output << page.errors;
  EXPECT_EQ(fetch("/bytes/10000000").output.size(), 10000000u);
}

TEST_P(HttpsServerRecordPath, H2loadGetsEveryAnswer) {
  const std::string flag = suite().tls13 ? "--tls13-ciphers=" : "--ciphers=";
  const Result result =
      run({"h2load", "--h1", "-n", "2000", "-c", "20", flag + suite().name, server.url("/bytes/20000")});
  EXPECT_TRUE(contains(result.output, "2000 succeeded, 0 failed, 0 errored, 0 timeout")) << result.output;
}

TEST_P(HttpsServerRecordPath, GnutlsCliIsServedAcrossKeyUpdates) {
  const std::string version = suite().tls13 ? "1.3" : "1.2";
  Process client({"gnutls-cli", "--insecure", "--inline-commands", "--port", std::to_string(server.port()),
                  "--priority", "NORMAL:-VERS-ALL:+VERS-TLS" + version + ":-CIPHER-ALL:+" + suite().gnutls,
                  "127.0.0.1"});
  ASSERT_TRUE(client.wait_for_output("Simple Client Mode")) << client.output();
  const auto get = [&](const std::string& path) {
    client.write("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
    return client.wait_for_output("Content-Length: " + path.substr(path.rfind('/') + 1) + "\r\n");
  };
  EXPECT_TRUE(get("/bytes/11")) << client.output();
  if (suite().tls13) {
    client.write("^rekey^\n");
    ASSERT_TRUE(client.wait_for_output("Rekey was completed")) << client.output();
  }
  EXPECT_TRUE(get("/bytes/12")) << client.output();
  EXPECT_EQ(client.wait(), 0) << client.errors();
}

TEST_P(HttpsServerRecordPath, SClientIsServedAcrossKeyUpdates) {
  if (!suite().tls13) return;
  Process client(s_client(server, {"-ciphersuites", suite().name, "-msg"}));
  ASSERT_TRUE(client.wait_for_output("Verify return code")) << client.output();
  const auto get = [&](const std::string& path) {
    client.write("GET " + path + " HTTP/1.1\nHost: a\n\n");
    return client.wait_for_output("Content-Length: " + path.substr(path.rfind('/') + 1));
  };
  EXPECT_TRUE(get("/bytes/11")) << client.output();
  client.write("K\n");  // it reads no further: nothing may follow before it is executed
  ASSERT_TRUE(client.wait_for_errors("KEYUPDATE")) << client.errors();
  EXPECT_TRUE(get("/bytes/12")) << client.output();
  EXPECT_TRUE(get("/bytes/13")) << client.output();
}

}  // namespace
