// A signature leaves as an ENGINE_CALL, and the handshake goes on when the call is back, whenever and from wherever.
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <unistd.h>

#include <thread>

#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

struct Case {
  int version;
  KeyType key;
};

std::string name_of(const ::testing::TestParamInfo<Case>& info) {
  return std::string(info.param.version == TLS1_3_VERSION ? "Tls13" : "Tls12") + key_type_name(info.param.key);
}

// Both sides show a certificate, and sign with an offloaded key.
class Suspension : public ::testing::TestWithParam<Case> {
 protected:
  Suspension() : pair(GetParam().version, GetParam().key, true) {
    use_key(pair.client_context.get(), GetParam().key, true);
    trust(pair.server_context.get(), GetParam().key);
    demand_certificate(pair.server_context.get());
    client = pair.machine_client();
    server = pair.machine_server();
  }
  void keep_calls() { client->keep_calls = server->keep_calls = true; }
  void expect_connected() {
    client->send("ping");
    server->send("pong");
    carry(*client, *server);
    EXPECT_EQ(server->received(), "ping");
    EXPECT_EQ(client->received(), "pong");
  }

  Pair pair;
  std::unique_ptr<MachineEnd> client, server;
};

TEST_P(Suspension, AnswersNow) {
  carry(*client, *server);
  EXPECT_EQ(client->calls_seen, 1);
  EXPECT_EQ(server->calls_seen, 1);
  expect_connected();
}

TEST_P(Suspension, AnswersLater) {
  keep_calls();
  for (int waits = 0; waits < 2; ++waits) {
    carry(*client, *server);
    ASSERT_EQ(client->calls.size() + server->calls.size(), 1u);
    MachineEnd& waiting = client->calls.empty() ? *server : *client;
    EXPECT_EQ(openssl_wants(waiting.tls()), static_cast<unsigned>(OPENSSL_WANTS_REPLY));
    EXPECT_EQ(openssl_getEvent(waiting.tls()), nullptr);
    waiting.execute_and_return_calls();
  }
  expect_connected();
}

TEST_P(Suspension, AnswersFromAnotherThread) {
  const auto elsewhere = [](MachineEnd& end) {
    return [&end](OPENSSL_EVENT* e) {
      std::thread([e] { e->e.engine->call(e); }).join();
      EXPECT_NE(e->e.thread, static_cast<unsigned long>(gettid()));
      openssl_putEvent(end.tls(), e);
    };
  };
  client->on_call = elsewhere(*client);
  server->on_call = elsewhere(*server);
  carry(*client, *server);
  expect_connected();
}

TEST_P(Suspension, DeclinedCallIsExecutedByTheMachine) {
  server->on_call = [&](OPENSSL_EVENT* e) {
    EXPECT_EQ(openssl_decline(e), 1);
    openssl_putEvent(server->tls(), e);
  };
  carry(*client, *server);
  expect_connected();
}

TEST_P(Suspension, FailedCallEndsTheHandshakeWithInternalError) {
  server->on_call = [&](OPENSSL_EVENT* e) {
    openssl_failCall(e, "the token is gone");
    openssl_putEvent(server->tls(), e);
  };
  carry(*client, *server);
  ASSERT_EQ(server->reason(), OPENSSL_REASON_CALL_FAILED);
  EXPECT_EQ(server->failure()->alert_sent, SSL_AD_INTERNAL_ERROR);
  EXPECT_NE(server->failure()->text.find("the token is gone"), std::string::npos);
  EXPECT_EQ(client->reason(), OPENSSL_REASON_ALERT);
  EXPECT_EQ(client->failure()->alert_received, SSL_AD_INTERNAL_ERROR);
}

TEST_P(Suspension, CallPutBackUnexecutedFails) {
  server->on_call = [&](OPENSSL_EVENT* e) { openssl_putEvent(server->tls(), e); };
  carry(*client, *server);
  EXPECT_EQ(server->reason(), OPENSSL_REASON_CALL_FAILED);
  EXPECT_EQ(server->failure()->alert_sent, SSL_AD_INTERNAL_ERROR);
}

TEST_P(Suspension, FailedClientCallEndsTheHandshakeToo) {
  client->on_call = [&](OPENSSL_EVENT* e) {
    openssl_failCall(e, nullptr);
    openssl_putEvent(client->tls(), e);
  };
  carry(*client, *server);
  EXPECT_EQ(client->reason(), OPENSSL_REASON_CALL_FAILED);
  EXPECT_EQ(server->reason(), OPENSSL_REASON_ALERT);
}

TEST_P(Suspension, WrongSignatureIsThePeersToRefuse) {
  server->on_call = [&](OPENSSL_EVENT* e) {
    e->e.engine->call(e);
    e->e.u.s.signature[e->e.u.s.signature_len / 2] ^= 1;
    openssl_putEvent(server->tls(), e);
  };
  carry(*client, *server);
  EXPECT_EQ(client->reason(), OPENSSL_REASON_PROTOCOL);
  EXPECT_EQ(server->reason(), OPENSSL_REASON_ALERT);
}

TEST_P(Suspension, CallShowsItsOperands) {
  const KeyType key = GetParam().key;
  server->on_call = [&](OPENSSL_EVENT* e) {
    const OPENSSL_SIGN& sign = e->e.u.s;
    EXPECT_EQ(e->e.optype, OPENSSL_OPERATION_SIGN);
    EXPECT_EQ(sign.key, shared_key(key));
    EXPECT_GT(sign.tbs_len, 64u);
    EXPECT_EQ(sign.digest == nullptr, key == KeyType::kEd25519);
    EXPECT_EQ(sign.padding == RSA_PKCS1_PSS_PADDING, key == KeyType::kRsa || key == KeyType::kRsaPss);
    EXPECT_EQ(e->e.thread, 0u);
    e->e.engine->call(e);
    EXPECT_EQ(e->kind, OPENSSL_ENGINE_CALL_IN_KIND);
    openssl_putEvent(server->tls(), e);
  };
  carry(*client, *server);
  EXPECT_EQ(server->calls_seen, 1);
}

TEST_P(Suspension, FreedConnectionLeavesItsCallToWhoeverHoldsIt) {
  keep_calls();
  carry(*client, *server);
  ASSERT_EQ(server->calls.size(), 1u);
  OPENSSL_EVENT* call = server->calls.front();
  server->calls.clear();
  server->free_machine();
  EXPECT_TRUE(openssl_isCancelled(call));
  EXPECT_EQ(openssl_owner(call), nullptr);
  std::thread([call] {
    EXPECT_EQ(call->e.engine->call(call), 1);
    EXPECT_EQ(openssl_returnEvent(call), 1);
  }).join();
}

TEST_P(Suspension, FreedConnectionsCallMayBeDropped) {
  keep_calls();
  carry(*client, *server);
  server->free_machine();
  EXPECT_EQ(openssl_returnEvent(server->calls.front()), 1);
  server->calls.clear();
}

TEST_P(Suspension, FreeWhileTheClientsCallIsOut) {
  client->keep_calls = true;
  carry(*client, *server);
  ASSERT_EQ(client->calls.size(), 1u);
  client->free_machine();
  EXPECT_EQ(client->calls.front()->e.engine->call(client->calls.front()), 1);
}

// Not in a list of the machine's at that moment: neither lent nor ready.
TEST_P(Suspension, FreeWithTheReplyPutButNotUsed) {
  keep_calls();
  carry(*client, *server);
  server->execute_and_return_calls();
  server->free_machine();
}

TEST_P(Suspension, FreeBeforeTheCallWasTaken) {
  client->work();
  server->receive(client->take_output());
  while (server->records_returned == 0) ASSERT_TRUE(server->take_one());
  server->free_machine();
}

// Both ends are freed after n events each, with a call out, in the machine, or back; for every n.
TEST_P(Suspension, FreeAfterEachEvent) {
  bool all_seen = false;
  for (int n = 0; !all_seen; ++n) {
    client = pair.machine_client();
    server = pair.machine_server();
    int left = n;
    for (bool moved = true; moved && left > 0;) {
      moved = false;
      for (MachineEnd* end : {client.get(), server.get()})
        while (left > 0 && end->take_one()) moved = true, --left;
      const std::string from_client = client->take_output();
      server->receive(from_client);
      client->receive(server->take_output());
    }
    all_seen = left > 0;
    client->free_machine();
    server->free_machine();
  }
}

INSTANTIATE_TEST_SUITE_P(Keys, Suspension,
                         ::testing::Values(Case{TLS1_3_VERSION, KeyType::kRsa}, Case{TLS1_3_VERSION, KeyType::kRsaPss},
                                           Case{TLS1_3_VERSION, KeyType::kEcP256},
                                           Case{TLS1_3_VERSION, KeyType::kEd25519}, Case{TLS1_2_VERSION, KeyType::kRsa},
                                           Case{TLS1_2_VERSION, KeyType::kRsaPss},
                                           Case{TLS1_2_VERSION, KeyType::kEcP384},
                                           Case{TLS1_2_VERSION, KeyType::kEd25519}),
                         name_of);

class Pkcs1 : public ::testing::Test {
 protected:
  Pair pair{TLS1_2_VERSION, KeyType::kRsa, true};
};

TEST_F(Pkcs1, IsToldFromPss) {
  SSL_CTX_set1_sigalgs_list(pair.client_context.get(), "RSA+SHA256");
  auto client = pair.machine_client();
  auto server = pair.machine_server();
  server->on_call = [&](OPENSSL_EVENT* e) {
    EXPECT_EQ(e->e.u.s.padding, RSA_PKCS1_PADDING);
    EXPECT_STREQ(e->e.u.s.digest, "SHA256");
    char text[200];
    EXPECT_STREQ(openssl_describe(e, text, 40), "ENGINE_CALL_OUT SIGN (RSA-2048 pkcs1 SH");
    e->e.engine->call(e);
    openssl_putEvent(server->tls(), e);
  };
  carry(*client, *server);
  EXPECT_TRUE(client->established());
}

// Several connections wait at once; replies come in any order.
TEST(ManySuspended, AreAnsweredOutOfOrder) {
  constexpr int kConnections = 5;
  Pair pair(TLS1_3_VERSION, KeyType::kEcP256, true);
  std::vector<std::unique_ptr<MachineEnd>> clients, servers;
  for (int i = 0; i < kConnections; ++i) {
    clients.push_back(pair.machine_client());
    servers.push_back(pair.machine_server());
    servers[i]->keep_calls = true;
    carry(*clients[i], *servers[i]);
  }
  for (const int i : {3, 0, 4, 2, 1}) {
    servers[i]->execute_and_return_calls();
    carry(*clients[i], *servers[i]);
    EXPECT_TRUE(clients[i]->established()) << i;
  }
}

// The error queue belongs to a thread, and a step may begin in one and end in another.
TEST(ErrorQueue, OfAThreadStaysOutOfASuspendedStep) {
  Pair pair(TLS1_3_VERSION, KeyType::kEcP256, true);
  auto client = pair.machine_client();
  auto server = pair.machine_server();
  server->keep_calls = true;
  carry(*client, *server);
  ERR_raise_data(ERR_LIB_USER, ERR_R_INTERNAL_ERROR, "somebody else's");
  server->execute_and_return_calls();
  ERR_raise_data(ERR_LIB_USER, ERR_R_INTERNAL_ERROR, "somebody else's");
  carry(*client, *server);
  EXPECT_TRUE(server->established());
  EXPECT_EQ(ERR_peek_error(), 0ul);
}

TEST(ErrorQueue, OfTheWorkerComesHomeInTheEvent) {
  Pair pair(TLS1_3_VERSION, KeyType::kEcP256, true);
  auto client = pair.machine_client();
  auto server = pair.machine_server();
  server->on_call = [&](OPENSSL_EVENT* e) {
    std::thread([e] {
      ERR_raise_data(ERR_LIB_EVP, EVP_R_DECODE_ERROR, "on the worker");
      openssl_failCall(e, nullptr);
      EXPECT_EQ(ERR_peek_error(), 0ul);
    }).join();
    EXPECT_EQ(ERR_GET_REASON(e->e.err.code), EVP_R_DECODE_ERROR);
    openssl_putEvent(server->tls(), e);
  };
  carry(*client, *server);
  EXPECT_EQ(ERR_GET_REASON(server->error()), EVP_R_DECODE_ERROR);
  EXPECT_NE(server->failure()->text.find("on the worker"), std::string::npos);
}

class StackLimit : public ::testing::Test {
 protected:
  ~StackLimit() override { openssl_setStackLimit(30000); }
  std::unique_ptr<MachineEnd> suspended_server() {
    auto client = pair.plain_client();
    auto server = pair.machine_server();
    server->keep_calls = true;
    carry(*client, *server);
    clients.push_back(std::move(client));
    return server;
  }

  Pair pair{TLS1_3_VERSION, KeyType::kEcP256, true};
  std::vector<std::unique_ptr<PlainEnd>> clients;
};

TEST_F(StackLimit, FailsOnlyTheConnectionThatExceedsIt) {
  openssl_setStackLimit(8);
  std::vector<std::unique_ptr<MachineEnd>> servers;
  while (servers.empty() || !servers.back()->failed()) servers.push_back(suspended_server());
  EXPECT_EQ(servers.back()->reason(), OPENSSL_REASON_STACK_LIMIT);
  EXPECT_LE(openssl_stacks(), 8u);
  servers.pop_back();
  clients.pop_back();
  for (std::size_t i = servers.size(); i-- > 0;) {
    servers[i]->execute_and_return_calls();
    carry(*clients[i], *servers[i]);
    EXPECT_TRUE(servers[i]->established());
  }
}

TEST_F(StackLimit, GivesStacksOutAgain) {
  auto first = suspended_server();
  openssl_setStackLimit(openssl_stacks());
  first.reset();
  EXPECT_FALSE(suspended_server()->failed());
}

}  // namespace
}  // namespace openssl_event::testing
