// The small examples do what their first lines say, with real clients.
#include <gtest/gtest.h>

#include <csignal>

#include "tests/examples/server.h"
#include "tests/examples/tls_client.h"

namespace {

TEST(HandshakeInMemory, PrintsTheEventsOfBothSides) {
  const Result result = run({"examples/handshake_in_memory"});
  EXPECT_EQ(result.status, 0) << result.errors;
  for (const char* part :
       {"client  get  RECORD_OUT ", "server  put  RECORD_IN ", "server  get  ENGINE_CALL_OUT SIGN (RSA-2048 ",
        "server  put  ENGINE_CALL_IN SIGN (RSA-2048 ", "server  get  STATUS_OUT HANDSHAKE_DONE", "server  has  \"Hello",
        "client  has  \"Yes", "client  get  STATUS_OUT CLOSE_NOTIFY", "Negotiated TLSv1.3"})
    EXPECT_TRUE(contains(result.output, part)) << part << " is missing in:\n" << result.output;
}

struct KegelPollServer : testing::Test {
  Server server{{"examples/kegel_poll_server", "--port", "0"}};
  ~KegelPollServer() override { EXPECT_EQ(server.stop(), 0) << server.process().errors(); }
};

TEST_F(KegelPollServer, AnswersCurl) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(server.get("/"), "Hello from a machine");
}

TEST_F(KegelPollServer, AnswersSClientInTls12) {
  const Result result = run(s_client(server, {"-tls1_2", "-ign_eof"}), "GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(contains(result.output, "Hello from a machine")) << result.output;
}

TEST_F(KegelPollServer, ServesSeveralAtOnceAndSurvivesThoseThatVanish) {
  TlsClient silent(server.port()), broken(server.port()), slow(server.port());
  broken.send_raw("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(broken.read_raw(), "");
  ASSERT_TRUE(slow.handshake());
  slow.send("GET / HTTP/1.0\r\n");
  EXPECT_EQ(server.get("/"), "Hello from a machine");
  slow.send("\r\n");
  EXPECT_TRUE(contains(slow.read_all(), "Hello from a machine"));
  EXPECT_TRUE(slow.closed_in_order());
  silent.vanish(true);
  EXPECT_EQ(server.get("/"), "Hello from a machine");
}

struct EchoServer : testing::Test {
  Server server{{"examples/echo_server", "--port", "0"}};
  ~EchoServer() override { EXPECT_EQ(server.stop(), 0) << server.process().errors(); }
};

TEST_F(EchoServer, EchoesToSClient) {
  Process client(s_client(server, {"-quiet"}));
  client.write("first line\n");
  EXPECT_TRUE(client.wait_for_output("first line\n"));
  client.write("second line\n");
  EXPECT_TRUE(client.wait_for_output("second line\n"));
}

TEST_F(EchoServer, EchoesToGnutls) {
  Process client({"gnutls-cli", "--insecure", "-p", std::to_string(server.port()), "127.0.0.1"});
  EXPECT_TRUE(client.wait_for_output("Simple Client Mode"));
  client.write("hello, gnutls\n");
  EXPECT_TRUE(client.wait_for_output("hello, gnutls\n"));
}

TEST_F(EchoServer, EchoesEveryByteAndClosesAfterThem) {
  TlsClient client(server.port());
  ASSERT_TRUE(client.handshake());
  std::string sent, received;
  for (int i = 0; i < 100; ++i) {
    const std::string block(static_cast<std::size_t>(1 + i * 577), static_cast<char>('a' + i % 26));
    ASSERT_TRUE(client.send(block));
    sent += block;
    while (received.size() < sent.size()) {
      const std::string part = client.read_some();
      ASSERT_NE(part, "");
      received += part;
    }
  }
  EXPECT_TRUE(sent == received);
  client.close_output();
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(client.closed_in_order());
}

// The echoes that it has not read do not pile up in the server: its sending stops.
TEST_F(EchoServer, HoldsBackAClientThatDoesNotRead) {
  TlsClient client(server.port());
  ASSERT_TRUE(client.handshake());
  EXPECT_FALSE(client.send_until_blocked(200 << 20));
  client.vanish(true);
  TlsClient other(server.port());
  ASSERT_TRUE(other.handshake());
  other.send("still there");
  EXPECT_EQ(other.read_until("there"), "still there");
}

struct Servers : testing::TestWithParam<const char*> {
  Result run_with(const Command& flags) {
    Command command = {std::string("examples/") + GetParam()};
    command.insert(command.end(), flags.begin(), flags.end());
    return run(command);
  }
};

TEST_P(Servers, ExplainTheirFlags) {
  const std::string usage = std::string("usage: ") + GetParam() + " [--port N]";
  const Result help = run_with({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_TRUE(contains(help.output, usage));
  for (const Command& flags : {Command{"--port"}, Command{"--port", "x"}, Command{"--port", "70000"}, Command{"what"}}) {
    const Result wrong = run_with(flags);
    EXPECT_EQ(wrong.status, 2);
    EXPECT_TRUE(contains(wrong.errors, usage)) << wrong.errors;
  }
}

TEST_P(Servers, SayThatAPortIsInUse) {
  Server server({"examples/echo_server", "--port", "0"});
  const Result second = run_with({"--port", std::to_string(server.port())});
  EXPECT_EQ(second.status, 1);
  EXPECT_TRUE(contains(second.errors, "cannot listen on " + server.address() + ": ")) << second.errors;
}

INSTANTIATE_TEST_SUITE_P(All, Servers, testing::Values("echo_server", "epoll_echo_server", "io_uring_echo_server", "kegel_poll_server", "memory_bio_server", "uv_echo_server"),
                         [](const auto& name) { return std::string(name.param); });

TEST(OtherExamples, ExplainTheirFlags) {
  for (const char* name : {"handshake_in_memory", "key_server", "remote_key_server", "storm_client", "tls_records", "verifying_client"}) {
    const Result help = run({std::string("examples/") + name, "--help"});
    EXPECT_EQ(help.status, 0) << name;
    EXPECT_TRUE(contains(help.output, std::string("usage: ") + name)) << help.output;
    const Result wrong = run({std::string("examples/") + name, "--what"});
    EXPECT_EQ(wrong.status, 2) << name;
    EXPECT_TRUE(contains(wrong.errors, std::string("usage: ") + name)) << wrong.errors;
  }
}

TEST(OtherExamples, SayWhatTheyCannotDo) {
  const auto errors_of = [](const Command& command) { return run(command).errors; };
  EXPECT_TRUE(contains(errors_of({"examples/tls_records", "--relay", "x", "127.0.0.1", "1"}), "'x' is no port"));
  EXPECT_TRUE(contains(errors_of({"examples/key_server", "/dev/null", "socket"}), "no private key in '/dev/null'"));
  EXPECT_TRUE(contains(errors_of({"examples/verifying_client", "127.0.0.1", "1", "/dev/null", "/dev/null"}), "no authorities"));
}

TEST(StormClient, ComparesServers) {
  Server in_place(https_server({"--ec", "--workers", "0"})), on_workers(https_server({"--ec", "--workers", "1"}));
  const Result result = run({"examples/storm_client", "--handshakes", "20", "in place=" + std::to_string(in_place.port()),
                             "on workers=" + std::to_string(on_workers.port())});
  EXPECT_EQ(result.status, 0) << result.errors;
  for (const char* part : {"p50", "in place", "on workers", "Latency of the keep-alive", " ms  "})
    EXPECT_TRUE(contains(result.output, part)) << part << " is missing in:\n" << result.output;
  EXPECT_GE(in_place.metric("openssl_event_handshakes_total"), 21);
  EXPECT_EQ(in_place.stop() + on_workers.stop(), 0);
}

TEST(StormClient, SaysWhenThereIsNoServer) {
  EXPECT_EQ(run({"examples/storm_client"}).status, 2);
  const Result result = run({"examples/storm_client", "--seconds", "1", "nobody=1"});
  EXPECT_EQ(result.status, 1);
  EXPECT_TRUE(contains(result.errors, "is the server running?"));
}

}  // namespace
