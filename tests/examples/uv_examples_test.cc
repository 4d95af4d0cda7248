// The programs on libuv: a client against servers and those that only pretend to be one, an echo server against clients.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <memory>

#include "tests/examples/answering_server.h"
#include "tests/examples/chopping_client.h"
#include "tests/examples/server.h"
#include "tests/examples/tls_client.h"

namespace {

std::string temporary(const std::string& name) { return std::string(std::getenv("TEST_TMPDIR")) + "/" + name; }

// A certificate for these names, that is its own authority.
Command make_certificate(const std::string& name, const std::string& names) {
  return {"openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=uv", "-addext", "subjectAltName=" + names,
          "-keyout", temporary(name + ".key"), "-out", temporary(name + ".pem")};
}

struct UvClient : testing::Test {
  static void SetUpTestSuite() {
    ASSERT_EQ(run(make_certificate("good", "DNS:localhost,IP:127.0.0.1")).status, 0);
    ASSERT_EQ(run(make_certificate("other", "DNS:other.example")).status, 0);
  }
  static Command server_with(const std::string& certificate) {
    return https_server({"--cert", temporary(certificate + ".pem"), "--key", temporary(certificate + ".key")});
  }
  static Result fetch(const Command& arguments) {
    Command command = {"examples/uv_client"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run(command);
  }
  Result fetch_from(const Server& server, const std::string& path, const std::string& host = "localhost") {
    return fetch({"--cacert", temporary("good.pem"), "https://" + host + ":" + std::to_string(server.port()) + path});
  }
  static void expect_failure(const Result& result, const std::string& part) {
    EXPECT_EQ(result.status, 1);
    EXPECT_TRUE(contains(result.errors, part)) << result.errors;
  }
};

TEST_F(UvClient, FetchesAPageWithServerNameAndApplicationProtocol) {
  Server server(server_with("good"));
  const Result result = fetch_from(server, "/");
  EXPECT_EQ(result.status, 0) << result.errors;
  for (const char* part : {"<th>Server name</th><td>localhost</td>", "<th>Application protocol</th><td>http/1.1</td>", "</html>\n"})
    EXPECT_TRUE(contains(result.output, part)) << part << result.output;
  EXPECT_TRUE(contains(result.errors, "TLSv1.3 TLS_AES_256_GCM_SHA384, http/1.1, certificate of localhost verified")) << result.errors;
  EXPECT_TRUE(contains(fetch_from(server, "/", "127.0.0.1").output, "<th>Server name</th><td>none</td>"));
}

TEST_F(UvClient, TellsTheProgressOfLongBodies) {
  Server server(server_with("good"));
  const Result result = fetch_from(server, "/bytes/5000000?query=1");
  EXPECT_EQ(result.status, 0) << result.errors;
  EXPECT_EQ(result.output.size(), 5000000u);
  EXPECT_TRUE(contains(result.errors, " % of 5000000 bytes")) << result.errors;
  EXPECT_TRUE(contains(result.errors, "HTTP/1.1 200 OK, 5000000 bytes")) << result.errors;
}

TEST_F(UvClient, AcceptsNoCertificateOfAnUnknownAuthority) {
  Server server(server_with("good"));
  const std::string url = "https://localhost:" + std::to_string(server.port()) + "/";
  expect_failure(fetch({url}), "certificate not accepted (--cacert FILE trusts another authority): self-signed certificate");
  expect_failure(fetch({"--cacert", temporary("other.pem"), url}), "certificate not accepted");
}

TEST_F(UvClient, AcceptsNoCertificateOfAnotherHost) {
  Server server(server_with("other"));
  const std::string port = std::to_string(server.port());
  expect_failure(fetch({"--cacert", temporary("other.pem"), "https://localhost:" + port + "/"}), "hostname mismatch");
  expect_failure(fetch({"--cacert", temporary("other.pem"), "https://127.0.0.1:" + port + "/"}), "IP address mismatch");
}

TEST_F(UvClient, SaysWhatIsWrong) {
  expect_failure(fetch({"https://no.such.host.invalid/"}), "no.such.host.invalid: ");
  expect_failure(fetch({"https://127.0.0.1:1/"}), "127.0.0.1: connection refused");
  expect_failure(fetch({"https://[::1]:1/"}), "::1: ");
  expect_failure(fetch({"--cacert", "/nowhere", "https://localhost/"}), "/nowhere: ");
  Server server(server_with("good"));
  expect_failure(fetch_from(server, "/" + std::string(5000, 'x')), "its path is too long");
}

TEST_F(UvClient, ExplainsItsCommandLine) {
  EXPECT_TRUE(contains(fetch({"--help"}).output, "--cacert FILE"));
  for (const Command& wrong : {Command{}, Command{"http://localhost/"}, Command{"https://"}, Command{"--cacert"}, Command{"https://a/", "https://b/"}})
    EXPECT_EQ(fetch(wrong).status, 2);
}

struct UvClientAnswered : UvClient {
  Result fetch_answer(const std::string& answer, bool in_order) {
    AnsweringServer server(temporary("good.pem"), temporary("good.key"), answer,
                           in_order ? AnsweringServer::End::in_order : AnsweringServer::End::abrupt);
    return fetch({"--cacert", temporary("good.pem"), "https://localhost:" + std::to_string(server.port()) + "/"});
  }
};

const std::string kHead = "HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\n";

TEST_F(UvClientAnswered, ABodyOfItsLengthIsWholeHoweverItEnds) {
  for (const bool in_order : {true, false}) {
    const Result result = fetch_answer(kHead + "hello", in_order);
    EXPECT_EQ(result.status, 0) << result.errors;
    EXPECT_EQ(result.output, "hello");
  }
}

TEST_F(UvClientAnswered, ABodyWithoutLengthIsWholeAtCloseNotifyOnly) {
  const Result result = fetch_answer("HTTP/1.0 200 OK\r\n\r\nhello", true);
  EXPECT_EQ(result.status, 0) << result.errors;
  EXPECT_EQ(result.output, "hello");
  expect_failure(fetch_answer("HTTP/1.0 200 OK\r\n\r\nhello", false), "the transport ended without close_notify");
}

TEST_F(UvClientAnswered, ACutAnswerIsAFailure) {
  expect_failure(fetch_answer(kHead + "hell", true), "closed before its answer was whole");
  expect_failure(fetch_answer("HTTP/1.0 200 OK\r\n", true), "closed before its answer was whole");
  expect_failure(fetch_answer("", true), "closed before its answer was whole");
}

TEST_F(UvClientAnswered, WhatFollowsABodyOfItsLengthIsNotPartOfIt) {
  const Result result = fetch_answer(kHead + "hello, world", true);
  EXPECT_EQ(result.status, 0) << result.errors;
  EXPECT_EQ(result.output, "hello");
}

// HTTP/1.0 has no chunks: they would pass for the body.
TEST_F(UvClientAnswered, AnAnswerWhoseLengthCannotBeToldIsAFailure) {
  for (const std::string field : {"Transfer-Encoding: chunked", "Content-Length: -1", "Content-Length: 5x", "Content-Length:",
                                  "Content-Length: 99999999999999999999"}) {
    const Result result = fetch_answer("HTTP/1.1 200 OK\r\n" + field + "\r\n\r\nhello", true);
    expect_failure(result, "this is no HTTP answer");
    EXPECT_EQ(result.output, "") << field;
  }
}

TEST_F(UvClientAnswered, WhatIsNoHttpIsAFailure) {
  expect_failure(fetch_answer("220 mail.example ESMTP\r\n", true), "this is no HTTP answer");
  expect_failure(fetch_answer("HTTP/1.0 200 OK\r\nX: " + std::string(70000, 'x'), true), "this is no HTTP answer");
}

struct UvEchoServer : testing::Test {
  Server server{{"examples/uv_echo_server", "--port", "0"}};
  ~UvEchoServer() override { EXPECT_EQ(server.stop(), 0) << server.process().errors(); }
};

TEST_F(UvEchoServer, EchoesToSClientInBothVersions) {
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    Process client(s_client(server, {"-quiet", version}));
    client.write("from s_client\n");
    EXPECT_TRUE(client.wait_for_output("from s_client\n")) << client.errors();
  }
}

TEST_F(UvEchoServer, EchoesToGnutls) {
  Process client({"gnutls-cli", "--insecure", "-p", std::to_string(server.port()), "127.0.0.1"});
  EXPECT_TRUE(client.wait_for_output("Simple Client Mode")) << client.errors();
  client.write("hello, gnutls\n");
  EXPECT_TRUE(client.wait_for_output("hello, gnutls\n")) << client.errors();
}

TEST_F(UvEchoServer, EchoesToManyAtOnce) {
  std::vector<std::unique_ptr<TlsClient>> clients;
  for (int i = 0; i < 300; ++i) {
    clients.push_back(std::make_unique<TlsClient>(server.port()));
    ASSERT_TRUE(clients.back()->handshake());
  }
  for (const auto& client : clients) ASSERT_TRUE(client->send("hello"));
  for (const auto& client : clients) EXPECT_EQ(client->read_some(), "hello");
}

TEST_F(UvEchoServer, EchoesByteByByte) {
  TlsClient client(server.port());
  ASSERT_TRUE(client.handshake());
  for (char c = 'a'; c <= 'z'; ++c) {
    ASSERT_TRUE(client.send(std::string(1, c)));
    ASSERT_EQ(client.read_some(), std::string(1, c));
  }
}

TEST_F(UvEchoServer, EchoesEverythingBeforeItCloses) {
  TlsClient client(server.port());
  ASSERT_TRUE(client.handshake());
  std::string text;
  for (int i = 0; i < 50; ++i) {
    text += std::string(1000 * static_cast<std::size_t>(i), static_cast<char>('a' + i % 26));
    ASSERT_TRUE(client.send(std::string(1000 * static_cast<std::size_t>(i), static_cast<char>('a' + i % 26)) + "\n"));
    text += "\n";
    if (text.size() > 60000) break;  // what is unread here must fit the buffers between
  }
  client.close_output();
  EXPECT_EQ(client.read_all(), text);
  EXPECT_TRUE(client.closed_in_order());
}

TEST_F(UvEchoServer, HoldsBackAClientThatDoesNotRead) {
  TlsClient client(server.port()), other(server.port());
  ASSERT_TRUE(client.handshake() && other.handshake());
  const long before = server.resident_kib();
  EXPECT_FALSE(client.send_until_blocked(std::size_t{256} << 20)) << "256 MiB must not fit anywhere";
  EXPECT_LT(server.resident_kib() - before, 64 * 1024);
  other.send("hello");
  EXPECT_EQ(other.read_some(), "hello");
  client.vanish(true);
}

TEST_F(UvEchoServer, SurvivesPeersThatVanish) {
  for (const bool reset : {false, true}) {
    TlsClient nothing(server.port()), hello(server.port()), established(server.port()), sending(server.port());
    hello.send_raw(hello.client_hello());
    ASSERT_TRUE(established.handshake() && sending.handshake());
    sending.send(std::string(16000, 'x'));
    for (TlsClient* client : {&nothing, &hello, &established, &sending}) client->vanish(reset);
  }
  TlsClient client(server.port());
  ASSERT_TRUE(client.handshake());
  client.send("still here");
  EXPECT_EQ(client.read_some(), "still here");
}

TEST(UvEchoServerEnd, ClosesConnectionsWithCallsOut) {
  Server server({"examples/uv_echo_server", "--port", "0"});
  std::vector<std::unique_ptr<TlsClient>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<TlsClient>(server.port()));
    clients.back()->send_raw(clients.back()->client_hello());
  }
  EXPECT_EQ(server.stop(), 0) << server.process().errors();
}

}  // namespace
