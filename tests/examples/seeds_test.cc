// What the authors of the documents that this project began with tested, or wished to have: see docs/seeds.md.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

#include "tests/examples/answering_server.h"
#include "tests/examples/chopping_client.h"
#include "tests/examples/server.h"
#include "tests/examples/tls_client.h"

namespace {

// ---- The author of an SChannel server: accumulation of data, in his tests' order ----

struct Echo : testing::TestWithParam<const char*> {
  Server server{{std::string("examples/") + GetParam(), "--port", "0"}};
  ~Echo() override { EXPECT_EQ(server.stop(), 0) << server.process().errors(); }
};

TEST_P(Echo, CompleteAndDistinctMessages) {
  ChoppingClient client(server.port(), SIZE_MAX);
  ASSERT_TRUE(client.handshake());
  for (const std::string& message : {std::string("one"), std::string(16384, '2'), std::string("three")}) {
    client.add(message);
    ASSERT_TRUE(client.flush());
    ASSERT_EQ(client.read(message.size()), message);
  }
}

// The handshake too.
TEST_P(Echo, AByteAtATime) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    ChoppingClient client(server.port(), 1, version);
    ASSERT_TRUE(client.handshake());
    for (const std::string& message : {std::string("byte by byte"), std::string(3000, 'x')}) {
      client.add(message);
      ASSERT_TRUE(client.flush());
      ASSERT_EQ(client.read(message.size()), message);
    }
  }
}

TEST_P(Echo, SeveralMessagesAtATime) {
  ChoppingClient client(server.port(), SIZE_MAX);
  ASSERT_TRUE(client.handshake());
  std::string all;
  for (int i = 0; i < 200; ++i) {
    const std::string message = "message " + std::to_string(i) + std::string(static_cast<std::size_t>(i), '.');
    client.add(message);
    all += message;
  }
  ASSERT_TRUE(client.flush());
  EXPECT_EQ(client.read(all.size()), all);
}

TEST_P(Echo, PortionsThatFitNoMessage) {
  for (const std::size_t portion : {2u, 3u, 7u, 100u, 1000u, 16500u}) {
    ChoppingClient client(server.port(), portion);
    ASSERT_TRUE(client.handshake());
    std::string all;
    for (int i = 0; i < 5; ++i) {
      const std::string message(static_cast<std::size_t>(1000 + 17 * i), static_cast<char>('a' + i));
      client.add(message);
      all += message;
    }
    ASSERT_TRUE(client.flush());
    ASSERT_EQ(client.read(all.size()), all) << portion;
  }
}

TEST_P(Echo, TheOpenSslTestClient) {
  Process client(s_client(server, {"-quiet"}));
  for (const std::string line : {"first line\n", "second line\n"}) {
    client.write(line);
    EXPECT_TRUE(client.wait_for_output(line)) << client.errors();
  }
}

INSTANTIATE_TEST_SUITE_P(Servers, Echo, testing::Values("echo_server", "epoll_echo_server", "io_uring_echo_server", "uv_echo_server"),
                         [](const auto& name) { return std::string(name.param); });

// The same of the HTTPS servers, whose answers are longer than their requests.
struct Https : testing::TestWithParam<const char*> {};

TEST_P(Https, AByteAtATime) {
  Server server({std::string("examples/") + GetParam(), "--port", "0", "--ec"});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    ChoppingClient client(server.port(), 1, version);
    ASSERT_TRUE(client.handshake());
    client.add("GET /bytes/70000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    ASSERT_TRUE(client.flush());
    const std::string answer = client.read(SIZE_MAX);
    EXPECT_EQ(answer.size(), answer.find("\r\n\r\n") + 4 + 70000);
  }
  EXPECT_EQ(server.stop(), 0) << server.process().errors();
}

INSTANTIATE_TEST_SUITE_P(Servers, Https, testing::Values("https_server", "io_uring_https_server"),
                         [](const auto& name) { return std::string(name.param); });

// ---- The author of an HTTPS server on memory BIOs ----

const std::string kGet = get("/");

struct MemoryBioServer : testing::Test {
  Server server{{"examples/memory_bio_server", "--port", "0"}};

  void quit() {
    EXPECT_EQ(server.get("/quit"), "this is a test");
    EXPECT_EQ(server.process().wait(), 0) << server.process().errors();
  }
};

TEST_F(MemoryBioServer, AnswersUntilItIsAskedToQuit) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(server.get("/"), "this is a test");
  quit();
}

TEST_F(MemoryBioServer, GoesOnAfterAPeerThatVanishes) {
  TlsClient(server.port()).vanish(true);
  TlsClient half(server.port());
  half.send_raw(half.client_hello());
  half.vanish(false);
  EXPECT_EQ(server.get("/"), "this is a test");
  quit();
}

TEST_F(MemoryBioServer, RenegotiatesAnIdleConnectionForSClient) {
  Process client(s_client(server, {"-tls1_2", "-crlf"}));
  ASSERT_TRUE(client.wait_for_output("---\n")) << client.errors();
  ASSERT_TRUE(server.process().wait_for_output("Handshake has been finished: TLSv1.2"));
  client.write("R\n");
  ASSERT_TRUE(client.wait_for_errors("RENEGOTIATING")) << client.output() << client.errors();
  client.write("GET / HTTP/1.0\n\n");
  ASSERT_TRUE(client.wait_for_output("this is a test")) << client.output() << client.errors();
  EXPECT_EQ(client.wait(), 0) << client.errors();
  const std::string& said = server.process().output();
  quit();
  EXPECT_NE(said.find("Handshake", said.find("Handshake") + 1), std::string::npos) << said;
}

// With data in flight the result is that of plain libssl: so many answers, and a renegotiation that has come to its end.
std::string renegotiate_behind_requests(int port, int requests, std::size_t answer_size) {
  ChoppingClient client(port, SIZE_MAX, TLS1_2_VERSION);
  EXPECT_TRUE(client.handshake());
  for (int i = 0; i < requests; ++i) client.add(kGet);
  client.begin_renegotiation();
  EXPECT_TRUE(client.flush());
  std::string all = client.read(static_cast<std::size_t>(requests) * answer_size);
  while (client.renegotiating() && client.step()) {
  }
  client.add(kGet);
  EXPECT_TRUE(client.flush());
  all += client.read(answer_size);
  return all + " and " + std::to_string(client.renegotiations()) + " renegotiations, " + (client.renegotiating() ? "one open" : "all ended");
}

TEST_F(MemoryBioServer, RenegotiatesWithDataInFlightAsPlainLibssl) {
  const std::string directory = std::getenv("TEST_TMPDIR"), key = directory + "/key.pem", certificate = directory + "/cert.pem";
  ASSERT_EQ(run({"openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=a", "-keyout", key, "-out", certificate}).status, 0);
  ChoppingClient first(server.port(), SIZE_MAX);
  ASSERT_TRUE(first.handshake());
  first.add(kGet);
  ASSERT_TRUE(first.flush());
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\nthis is a test";
  ASSERT_EQ(first.read(answer.size()), answer);
  first.close();
  for (const int requests : {0, 1, 2, 50}) {
    AnsweringServer plain(certificate, key, answer, AnsweringServer::End::of_client);
    const std::string expected = renegotiate_behind_requests(plain.port(), requests, answer.size());
    EXPECT_TRUE(contains(expected, "this is a test and 1 renegotiations, all ended")) << expected;
    EXPECT_EQ(renegotiate_behind_requests(server.port(), requests, answer.size()), expected) << requests;
  }
  quit();
}

// ---- The proposal's own loop ----

TEST(KegelPollServer, AByteAtATime) {
  Server server({"examples/kegel_poll_server", "--port", "0"});
  ChoppingClient client(server.port(), 1);
  ASSERT_TRUE(client.handshake());
  client.add("GET / HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(client.flush());
  EXPECT_TRUE(contains(client.read(SIZE_MAX), "Hello from a machine"));
  EXPECT_EQ(server.stop(), 0);
}

}  // namespace
