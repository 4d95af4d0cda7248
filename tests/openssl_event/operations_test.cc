// Every operation of a handshake as a call: in every key exchange and with every type of key, whenever it is answered.
#include <openssl/err.h>

#include <algorithm>
#include <iterator>
#include <thread>
#include <vector>

#include "tests/openssl_event/interposed.h"

namespace openssl_event::testing {
namespace {

class Operations : public ::testing::TestWithParam<Exchange> {
 protected:
  Operations() : library(make_offload_library()), interposed(GetParam(), library.get()) { interposed.make_ends(); }

  MachineEnd& client() { return *interposed.client; }
  MachineEnd& server() { return *interposed.server; }
  void connect() { carry(client(), server()); }
  void expect_connected() {
    client().send("ping");
    server().send("pong");
    connect();
    EXPECT_EQ(server().received(), "ping") << (server().failure() ? server().failure()->text : "");
    EXPECT_EQ(client().received(), "pong") << (client().failure() ? client().failure()->text : "");
  }
  void count(MachineEnd& end, Interposed::Counts& counts) {
    end.on_call = [&end, &counts](OPENSSL_EVENT* e) {
      ++counts[openssl_operationName(e->e.optype)];
      e->e.engine->call(e);
      openssl_putEvent(end.tls(), e);
    };
  }
  bool has_shares() const { return GetParam().group != nullptr; }

  Library library;
  Interposed interposed;
};

TEST_P(Operations, AllAreCalls) {
  Interposed::Counts of_client, of_server;
  count(client(), of_client);
  count(server(), of_server);
  expect_connected();
  // The peer's certificate is self-signed and trusted, so that only its holder's signature is left to verify.
  Interposed::Counts expected_of_client = {{"SIGN", 1}};
  Interposed::Counts expected_of_server = {{"VERIFY", 1}};
  if (is_encapsulation(GetParam())) {
    expected_of_client["KEYGEN"] = expected_of_client["DECAPSULATE"] = expected_of_server["ENCAPSULATE"] = 1;
    expected_of_client["VERIFY"] = expected_of_server["SIGN"] = 1;
  } else if (has_shares()) {
    for (Interposed::Counts* counts : {&expected_of_client, &expected_of_server})
      (*counts)["KEYGEN"] = (*counts)["DERIVE"] = 1;
    expected_of_client["VERIFY"] = expected_of_server["SIGN"] = 1;
  } else {
    expected_of_server["DECRYPT"] = 1;
  }
  EXPECT_EQ(of_client, expected_of_client);
  EXPECT_EQ(of_server, expected_of_server);
}

TEST_P(Operations, AnswerLater) {
  client().keep_calls = server().keep_calls = true;
  for (int rounds = 0; rounds < 20; ++rounds) {
    connect();
    if (client().calls.empty() && server().calls.empty()) break;
    client().execute_and_return_calls();
    server().execute_and_return_calls();
  }
  expect_connected();
}

TEST_P(Operations, AnswerFromOtherThreads) {
  for (MachineEnd* end : {&client(), &server()})
    end->on_call = [end](OPENSSL_EVENT* e) {
      std::thread([e] { e->e.engine->call(e); }).join();
      openssl_putEvent(end->tls(), e);
    };
  expect_connected();
}

TEST_P(Operations, AreExecutedInPlaceWhenDeclined) {
  for (MachineEnd* end : {&client(), &server()})
    end->on_call = [end](OPENSSL_EVENT* e) {
      EXPECT_EQ(openssl_decline(e), 1);
      openssl_putEvent(end->tls(), e);
    };
  expect_connected();
}

TEST_P(Operations, AreExecutedInPlaceWhenNotSelected) {
  openssl_setOperations(client().tls(), OPENSSL_OPERATIONS_NONE);
  openssl_setOperations(server().tls(), OPENSSL_OPERATIONS_NONE);
  expect_connected();
  EXPECT_EQ(client().calls_seen, 0);
  EXPECT_EQ(server().calls_seen, 0);
}

TEST_P(Operations, AreSelectedByTheContext) {
  SSL_CTX* context = interposed.pair.server_context.get();
  ASSERT_EQ(openssl_setContextOperations(context, OPENSSL_OPERATION_BIT(OPENSSL_OPERATION_VERIFY)), 1);
  interposed.make_ends();
  Interposed::Counts counts;
  count(server(), counts);
  expect_connected();
  EXPECT_EQ(counts, (Interposed::Counts{{"VERIFY", 1}}));
}

// The n-th call of a side fails: that handshake ends, with an alert for the peer.
TEST_P(Operations, EndTheHandshakeWhenOneFails) {
  for (int failing = 0;; ++failing) {
    interposed.make_ends();
    int seen = 0;
    server().on_call = [&](OPENSSL_EVENT* e) {
      seen++ == failing ? openssl_failCall(e, "the engine is gone") : e->e.engine->call(e);
      openssl_putEvent(server().tls(), e);
    };
    connect();
    if (seen <= failing) break;
    ASSERT_EQ(server().reason(), OPENSSL_REASON_CALL_FAILED) << failing;
    EXPECT_NE(server().failure()->alert_sent, -1);
    EXPECT_NE(server().failure()->text.find("the engine is gone"), std::string::npos);
    EXPECT_EQ(client().reason(), OPENSSL_REASON_ALERT);
  }
  expect_connected();
}

// The connection is freed while its n-th call is out; the call is executed afterwards, and given back.
TEST_P(Operations, CanBeCancelled) {
  for (std::size_t cancelled = 0;; ++cancelled) {
    interposed.make_ends();
    std::size_t seen = 0;
    OPENSSL_EVENT* held = nullptr;
    server().on_call = [&](OPENSSL_EVENT* e) {
      if (seen++ == cancelled) {
        held = e;
        return;
      }
      e->e.engine->call(e);
      openssl_putEvent(server().tls(), e);
    };
    connect();
    if (!held) break;
    server().free_machine();
    EXPECT_EQ(openssl_isCancelled(held), 1);
    held->e.engine->call(held);
    openssl_returnEvent(held);
  }
  expect_connected();
}

INSTANTIATE_TEST_SUITE_P(Exchanges, Operations, ::testing::ValuesIn(all_exchanges()), exchange_name);

// Calls of several connections come back in the reverse of the order in which they went out.
TEST(OperationsOfSeveralConnections, AreAnsweredOutOfOrder) {
  const Library library = make_offload_library();
  std::vector<std::unique_ptr<Interposed>> several;
  for (const Exchange& exchange : all_exchanges()) {
    several.push_back(std::make_unique<Interposed>(exchange, library.get()));
    several.back()->make_ends();
    several.back()->client->keep_calls = several.back()->server->keep_calls = true;
  }
  for (int rounds = 0; rounds < 20; ++rounds) {
    for (auto& one : several) carry(*one->client, *one->server);
    std::reverse(several.begin(), several.end());
    for (auto& one : several) {
      one->server->execute_and_return_calls();
      one->client->execute_and_return_calls();
    }
  }
  for (auto& one : several) {
    EXPECT_TRUE(one->client->established());
    EXPECT_TRUE(one->server->established());
  }
}

}  // namespace
}  // namespace openssl_event::testing
