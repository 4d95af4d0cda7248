// The echo servers, by poll and by libuv: clients that nobody here wrote, full buffers, peers that vanish, and the end.
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <vector>

#include "tests/examples/chopping_client.h"
#include "tests/examples/server.h"
#include "tests/examples/tls_client.h"

namespace {

struct EchoServers : testing::TestWithParam<const char*> {
  Server server{{std::string("examples/") + GetParam(), "--port", "0"}};

  void expect_well() {
    TlsClient client(server.port());
    ASSERT_TRUE(client.handshake() && client.send("still here"));
    EXPECT_EQ(client.read_until("here"), "still here");
    client.close_output();
    client.read_all();
    EXPECT_TRUE(client.closed_in_order());
    EXPECT_EQ(server.stop(), 0) << server.process().errors();
  }
};

TEST_P(EchoServers, EchoToSocat) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "line " + std::to_string(i) + "\n";
  const Result result = run({"socat", "-t", "30", "-", "OPENSSL:" + server.address() + ",verify=0"}, text);
  EXPECT_TRUE(result.output == text) << result.output.size() << " bytes " << result.errors;
  expect_well();
}

// Every buffer between is full before a byte is read, so that the server's writes are partial ones.
TEST_P(EchoServers, LoseNoByteToFullBuffers) {
  std::string text;
  while (text.size() < std::size_t{32} << 20) text += "line " + std::to_string(text.size()) + "\n";
  TlsClient client(server.port());
  ASSERT_TRUE(client.handshake());
  EXPECT_TRUE(client.exchange(text) == text);
  client.vanish(false);
  expect_well();
}

TEST_P(EchoServers, SurvivePeersThatVanishAtEveryStepOfTheHandshake) {
  vanish_at_every_step_of_the_handshake(server.port());
  expect_well();
}

TEST_P(EchoServers, SurvivePeersThatVanishInTheMiddleOfAnEcho) {
  for (const bool reset : {false, true}) {
    for (const std::size_t bytes : {0u, 1u, 100u, 16384u, 50000u}) {
      ChoppingClient client(server.port(), SIZE_MAX);
      ASSERT_TRUE(client.handshake());
      client.add(std::string(60000, 'x'));
      ASSERT_TRUE(client.flush());
      EXPECT_EQ(client.read(bytes).size(), bytes);
      client.close(reset);
    }
  }
  expect_well();
}

TEST_P(EchoServers, AnswerAHalfClose) {
  TlsClient client(server.port());
  ASSERT_TRUE(client.handshake() && client.send(std::string(50000, 'x')));
  client.close_output();
  client.end_raw_output();
  EXPECT_EQ(client.read_all().size(), 50000u);
  EXPECT_TRUE(client.closed_in_order());
  expect_well();
}

TEST_P(EchoServers, EndInOrderWithAllThatHasComeEchoed) {
  std::vector<std::unique_ptr<TlsClient>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<TlsClient>(server.port()));
    ASSERT_TRUE(clients.back()->handshake() && clients.back()->send(std::string(30000, 'x')));
    EXPECT_EQ(clients.back()->read_exactly(30000).size(), 30000u);
    ASSERT_TRUE(i % 2 == 0 || clients.back()->send("idle ones are asked to go, and so are busy ones"));
  }
  server.process().signal(SIGTERM);
  for (const auto& client : clients) {
    client->read_all();
    EXPECT_TRUE(client->closed_in_order());
    client->close_output();
    client->vanish(false);
  }
  EXPECT_EQ(server.process().wait(), 0) << server.process().errors();
}

TEST_P(EchoServers, EndWithoutThoseWhoDoNotGo) {
  TlsClient silent(server.port()), half(server.port()), established(server.port());
  half.send_raw(half.client_hello().substr(0, 20));
  ASSERT_TRUE(established.handshake());
  EXPECT_EQ(server.stop(), 0) << server.process().errors();
}

INSTANTIATE_TEST_SUITE_P(All, EchoServers, testing::Values("echo_server", "epoll_echo_server", "io_uring_echo_server", "uv_echo_server"),
                         [](const auto& name) { return std::string(name.param); });

}  // namespace
