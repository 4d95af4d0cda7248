// Peers of every manner: load generators, slow ones, ones that vanish, all at once, and an end in the middle of it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "tests/examples/chopping_client.h"
#include "tests/examples/server.h"
#include "tests/examples/tls_client.h"

namespace {

struct HttpsServerPeers : testing::Test {
  Server server{https_server({"--ec", "--workers", "1"})};
  ~HttpsServerPeers() override {
    EXPECT_TRUE(server.wait_for_metric("openssl_event_connections_open", 1)) << "all others have gone";
    EXPECT_EQ(server.stop(), 0) << server.process().errors();
  }
};

TEST_F(HttpsServerPeers, H2loadGetsEveryAnswer) {
  const Result result = run({"h2load", "--h1", "-n", "3000", "-c", "30", server.url("/bytes/20000")});
  EXPECT_TRUE(contains(result.output, "3000 succeeded, 0 failed, 0 errored, 0 timeout")) << result.output;
  EXPECT_TRUE(contains(result.output, "status codes: 3000 2xx")) << result.output;
}

TEST_F(HttpsServerPeers, H2loadWithSeveralRequestsOnTheirWay) {
  const Result result = run({"h2load", "--h1", "-n", "3000", "-c", "10", "-m", "20", server.url("/bytes/5000")});
  EXPECT_TRUE(contains(result.output, "3000 succeeded, 0 failed, 0 errored, 0 timeout")) << result.output;
}

TEST_F(HttpsServerPeers, WrkMeetsNoError) {
  const Result result = run({"wrk", "-t", "2", "-c", "50", "-d", "2s", server.url("/bytes/100000")});
  EXPECT_TRUE(contains(result.output, "requests in")) << result.output << result.errors;
  EXPECT_FALSE(contains(result.output, "Socket errors") || contains(result.output, "Non-2xx")) << result.output;
}

TEST_F(HttpsServerPeers, VanishAtEveryStepOfTheHandshake) { vanish_at_every_step_of_the_handshake(server.port()); }

TEST_F(HttpsServerPeers, VanishInTheMiddleOfAnAnswer) {
  for (const bool reset : {false, true}) {
    for (const std::size_t bytes : {1u, 100u, 16384u, 16385u, 300000u, 3000000u}) {
      ChoppingClient client(server.port(), SIZE_MAX);
      ASSERT_TRUE(client.handshake());
      client.add(get("/bytes/30000000"));
      ASSERT_TRUE(client.flush());
      EXPECT_EQ(client.read(bytes).size(), bytes);
      client.close(reset);
    }
  }
}

// It is not read from while its answers are not taken, however much it sends.
TEST_F(HttpsServerPeers, ASenderThatDoesNotReadCostsNoMemory) {
  server.get("/bytes/10000000");
  TlsClient client(server.port());
  ASSERT_TRUE(client.handshake());
  const long before = server.resident_kib();
  std::string requests;
  for (int i = 0; i < 300; ++i) requests += get("/bytes/100000");
  client.send(requests);
  EXPECT_FALSE(client.send_until_blocked(std::size_t{200} << 20)) << "200 MB must not fit anywhere";
  EXPECT_LT(server.resident_kib() - before, 64 * 1024);
  EXPECT_EQ(server.get("/bytes/5").size(), 5u) << "others are served";
  client.vanish(true);
}

TEST(HttpsServerPartialWrites, ASmallSendBufferLosesNoByte) {
  Server server(https_server({"--ec", "--send-buffer", "1"}));
  for (const std::size_t size : {1u, 5000u, 100000u, 3000000u}) {
    TlsClient client(server.port());
    ASSERT_TRUE(client.handshake());
    ASSERT_TRUE(client.send(get("/bytes/" + std::to_string(size)) + get("/bytes/17")));
    const std::string first = client.read_answer(), second = client.read_answer();
    EXPECT_EQ(first.size(), first.find("\r\n\r\n") + 4 + size);
    EXPECT_EQ(second.size(), second.find("\r\n\r\n") + 4 + 17);
  }
  EXPECT_EQ(server.stop(), 0);
}

// What one client of a server that ends has seen.
struct Seen {
  int whole = 0;      // answers
  int cut = 0;        // that ended before they were whole
  bool in_order = false;
};

Seen ask_until_the_end(int port, const std::string& path, std::atomic<int>& begun) {
  Seen seen;
  TlsClient client(port);
  if (!client.handshake()) return seen;
  while (client.send(get(path))) {
    const std::string answer = client.read_answer();
    const std::size_t head = answer.find("\r\n\r\n");
    const std::string length = between(answer, "Content-Length: ", "\r\n");
    if (answer.empty()) break;
    if (length.empty() || answer.size() != head + 4 + std::stoul(length)) {
      ++seen.cut;
      break;
    }
    if (++seen.whole == 1) ++begun;
    if (contains(answer.substr(0, head), "Connection: close")) {
      client.read_all();
      break;
    }
  }
  seen.in_order = client.closed_in_order();
  return seen;
}

TEST(HttpsServerEndUnderLoad, LosesNoAnswer) {
  constexpr int kClients = 24;
  Server server(https_server({"--ec", "--workers", "1", "--grace", "40"}));
  std::atomic<int> begun = 0;
  std::vector<Seen> seen(kClients);
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i)
    clients.emplace_back([&, i] {
      seen[static_cast<std::size_t>(i)] = ask_until_the_end(server.port(), i % 2 ? "/bytes/3000000" : "/bytes/100", begun);
    });
  while (begun < kClients) usleep(1000);
  server.process().signal(SIGTERM);
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(server.process().wait(), 0) << server.process().errors();
  for (const Seen& one : seen) {
    EXPECT_GE(one.whole, 1);
    EXPECT_EQ(one.cut, 0);
    EXPECT_TRUE(one.in_order);
  }
}

}  // namespace
