// Real TLS clients, versions, certificates, resumption; and peers that are no TLS clients at all.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/examples/server.h"
#include "tests/examples/tls_client.h"

namespace {

const std::string kHttp10 = "GET / HTTP/1.0\r\n\r\n";

std::string temporary(const std::string& name) { return std::string(std::getenv("TEST_TMPDIR")) + "/" + name; }

struct HttpsServerTls : testing::Test {
  Server server{https_server({"--workers", "2"})};
  ~HttpsServerTls() override { EXPECT_EQ(server.stop(), 0) << server.process().errors(); }

  // Asks for / by s_client.
  std::string ask(const Command& arguments) {
    Command command = s_client(server, {"-ign_eof"});
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run(command, kHttp10).output;
  }

  void expect_resumption(const char* version) {
    const std::string file = temporary(version);
    EXPECT_TRUE(contains(ask({version, "-sess_out", file}), "<td>no</td>"));
    const std::string again = ask({version, "-sess_in", file});
    EXPECT_TRUE(contains(again, "Reused, TLSv1.")) << again;
    EXPECT_TRUE(contains(again, "<th>Resumed</th><td>yes</td>")) << again;
    EXPECT_TRUE(contains(again, "none: the session was resumed")) << again;
    EXPECT_EQ(server.metric("openssl_event_resumptions_total"), 1);
  }

  // The server goes on, and has closed every connection but the one that asks.
  void expect_well() { EXPECT_TRUE(server.wait_for_metric("openssl_event_connections_open", 1)); }
};

TEST_F(HttpsServerTls, SpeaksTls12WithSClient) {
  const std::string output = ask({"-tls1_2"});
  EXPECT_TRUE(contains(output, "New, TLSv1.2, Cipher is ECDHE-RSA-AES256-GCM-SHA384")) << output;
  EXPECT_TRUE(contains(output, "executed by tls-worker-")) << output;
}

TEST_F(HttpsServerTls, SpeaksTls13WithSClient) {
  const std::string output = ask({"-tls1_3"});
  EXPECT_TRUE(contains(output, "New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384")) << output;
  EXPECT_TRUE(contains(output, "executed by tls-worker-")) << output;
}

TEST_F(HttpsServerTls, SpeaksWithGnutls) {
  const Result result = run({"gnutls-cli", "--insecure", "-p", std::to_string(server.port()), "127.0.0.1"}, kHttp10);
  EXPECT_TRUE(contains(result.output, "200 OK")) << result.output << result.errors;
  EXPECT_TRUE(contains(result.output, "executed by tls-worker-")) << result.output;
}

TEST_F(HttpsServerTls, ResumesTls12) { expect_resumption("-tls1_2"); }
TEST_F(HttpsServerTls, ResumesTls13) { expect_resumption("-tls1_3"); }

TEST_F(HttpsServerTls, RefusesAnApplicationProtocolThatItDoesNotSpeak) {
  const Result result = run(s_client(server, {"-alpn", "h2"}));
  EXPECT_NE(result.status, 0);
  EXPECT_TRUE(contains(result.errors, "no application protocol")) << result.errors;
  EXPECT_EQ(server.metric("openssl_event_failures_total{phase=\"handshake\",reason=\"PROTOCOL\","
                          "alert=\"no application protocol\",sender=\"server\"}"),
            1);
}

TEST_F(HttpsServerTls, CountsAnAlertOfTheClient) {
  EXPECT_NE(run({"curl", "-sS", server.url("/")}).status, 0) << "curl must not accept a self-signed certificate";
  EXPECT_EQ(server.metric("openssl_event_failures_total{phase=\"handshake\",reason=\"ALERT\","
                          "alert=\"unknown CA\",sender=\"client\"}"),
            1);
}

TEST_F(HttpsServerTls, EndsPlainHttpAtOnce) {
  const Result result = run({"curl", "-sS", "--max-time", "20", "http://" + server.address() + "/"});
  EXPECT_NE(result.status, 0);
  EXPECT_NE(result.status, 28) << "curl's own limit of time";
  expect_well();
}

TEST_F(HttpsServerTls, EndsGarbageAtOnce) {
  for (const std::string& bytes : {std::string(1000, 'x'), std::string(1000, '\0'), std::string("\x16\x03\x01\xff\xff") + std::string(999, 'a')}) {
    TlsClient client(server.port());
    client.send_raw(bytes);
    client.read_raw();
  }
  expect_well();
}

TEST_F(HttpsServerTls, SurvivesPeersThatVanishInTheHandshake) {
  for (const bool reset : {false, true}) {
    for (int i = 0; i < 20; ++i) {
      TlsClient nothing(server.port()), half(server.port()), hello(server.port());
      const std::string bytes = hello.client_hello();
      half.send_raw(bytes.substr(0, bytes.size() / 2));
      hello.send_raw(bytes);
      for (TlsClient* client : {&nothing, &half, &hello}) client->vanish(reset);
    }
  }
  expect_well();
}

TEST_F(HttpsServerTls, SurvivesPeersThatVanishInAnAnswer) {
  for (const bool reset : {false, true}) {
    TlsClient client(server.port());
    ASSERT_TRUE(client.handshake());
    client.send("GET /bytes/1000000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(client.read_some(), "");
    client.vanish(reset);
  }
  expect_well();
}

TEST_F(HttpsServerTls, AnswersAClientThatHasClosedItsSide) {
  TlsClient client(server.port());
  ASSERT_TRUE(client.handshake());
  client.send("GET /bytes/3000000 HTTP/1.1\r\nHost: a\r\n\r\n");
  client.close_output();
  client.end_raw_output();
  EXPECT_GT(client.read_all().size(), 3000000u);
  EXPECT_TRUE(client.closed_in_order());
}

TEST_F(HttpsServerTls, AnswersAClientThatHasClosedTheTransportOnly) {
  TlsClient client(server.port());
  ASSERT_TRUE(client.handshake());
  client.send("GET /bytes/3000000 HTTP/1.1\r\nHost: a\r\n\r\n");
  client.end_raw_output();
  EXPECT_GT(client.read_all().size(), 3000000u);
}

TEST(HttpsServerCertificates, AreReadFromFilesForEveryTypeOfKey) {
  for (const std::string type : {"rsa:2048", "ed25519", "ed448", "ec"}) {
    const std::string key = temporary("key.pem"), certificate = temporary("cert.pem");
    Command make = {"openssl", "req", "-x509", "-nodes", "-subj", "/CN=files", "-keyout", key, "-out", certificate, "-newkey", type};
    if (type == "ec") make.insert(make.end(), {"-pkeyopt", "ec_paramgen_curve:P-384"});
    ASSERT_EQ(run(make).status, 0) << type;
    Server server(https_server({"--cert", certificate, "--key", key, "--workers", "1"}));
    for (const char* version : {"-tls1_2", "-tls1_3"}) {
      const std::string output = run(s_client(server, {"-ign_eof", version}), kHttp10).output;
      EXPECT_TRUE(contains(output, "subject=CN = files") && contains(output, "executed by tls-worker-0")) << type << version << output;
    }
    EXPECT_EQ(server.stop(), 0);
  }
}

}  // namespace
