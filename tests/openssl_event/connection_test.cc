// Connections of two machines: how they begin, data, what was negotiated, and what queries say meanwhile.
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "tests/openssl_event/connection_fixture.h"

namespace openssl_event::testing {
namespace {

using Connection = ConnectionTest;

TEST_P(Connection, DataFlowsBothWaysAtOnce) {
  connect();
  const std::string from_client(100000, 'c'), from_server(70000, 's');
  client->send(from_client);
  server->send(from_server);
  carry(*client, *server);
  EXPECT_EQ(server->received(), from_client);
  EXPECT_EQ(client->received(), from_server);
  EXPECT_EQ(client->cleartext_returned, 1);
}

TEST_P(Connection, ChunksMakeNoDifference) {
  for (const std::size_t chunk : {1, 2, 3, 5, 100, 1000}) {
    make();
    carry(*client, *server, chunk);
    client->send("hello");
    server->send(std::string(5000, 's'));
    carry(*client, *server, chunk);
    EXPECT_EQ(server->received(), "hello");
    EXPECT_EQ(client->received().size(), 5000u);
  }
}

TEST_P(Connection, CleartextPutBeforeTheHandshakeWaitsForItsEnd) {
  make();
  client->send("early");
  client->work();
  EXPECT_EQ(client->cleartext_returned, 0);
  carry(*client, *server);
  EXPECT_EQ(server->received(), "early");
}

TEST_P(Connection, EmptyCleartextComesBackAndSendsNothing) {
  connect();
  client->send("");
  client->work();
  EXPECT_EQ(client->cleartext_returned, 1);
  EXPECT_EQ(client->take_output(), "");
}

TEST_P(Connection, EveryRecordInComesBack) {
  connect();
  client->send(std::string(50000, 'c'));
  client->close_output();
  carry(*client, *server);
  EXPECT_EQ(server->records_returned, server->records_put);
  EXPECT_EQ(client->records_returned, client->records_put);
}

TEST_P(Connection, ResumesASession) {
  connect();
  reconnect_with_the_session();
  OPENSSL_NEGOTIATED agreed;
  ASSERT_EQ(openssl_negotiated(client->tls(), &agreed), 1);
  EXPECT_EQ(agreed.resumed, 1);
  ASSERT_EQ(openssl_negotiated(server->tls(), &agreed), 1);
  EXPECT_EQ(agreed.resumed, 1);
}

TEST_P(Connection, ResumesWithoutTickets) {
  SSL_CTX_set_options(pair.server_context.get(), SSL_OP_NO_TICKET);
  connect();
  reconnect_with_the_session();
  EXPECT_EQ(SSL_session_reused(server->ssl()), 1);
}

TEST_P(Connection, TellsWhatWasNegotiated) {
  make();
  OPENSSL_NEGOTIATED agreed;
  EXPECT_EQ(openssl_negotiated(client->tls(), &agreed), 0);
  SSL_set_alpn_protos(client->ssl(), reinterpret_cast<const unsigned char*>("\x02h2\x08http/1.1"), 12);
  SSL_set1_groups_list(client->ssl(), "X25519:P-256");  // the second one is of the certificate
  SSL_CTX_set_alpn_select_cb(
      pair.server_context.get(),
      [](SSL*, const unsigned char** out, unsigned char* len, const unsigned char* in, unsigned, void*) {
        *out = in + 1;
        *len = in[0];
        return SSL_TLSEXT_ERR_OK;
      },
      nullptr);
  carry(*client, *server);
  for (MachineEnd* end : {client.get(), server.get()}) {
    ASSERT_EQ(openssl_negotiated(end->tls(), &agreed), 1);
    EXPECT_STREQ(agreed.protocol, tls13() ? "TLSv1.3" : "TLSv1.2");
    EXPECT_STRNE(agreed.cipher, "");
    EXPECT_STREQ(agreed.group, "x25519");
    EXPECT_STREQ(agreed.server_name, "localhost");
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(agreed.alpn), agreed.alpn_len), "h2");
    EXPECT_EQ(agreed.resumed, 0);
  }
}

TEST_P(Connection, NothingNegotiatedIsEmpty) {
  SSL_CTX_set_verify(pair.client_context.get(), SSL_VERIFY_NONE, nullptr);
  make();
  SSL_set_tlsext_host_name(client->ssl(), nullptr);
  carry(*client, *server);
  OPENSSL_NEGOTIATED agreed;
  ASSERT_EQ(openssl_negotiated(server->tls(), &agreed), 1);
  EXPECT_STREQ(agreed.server_name, "");
  EXPECT_EQ(agreed.alpn_len, 0u);
}

TEST_P(Connection, WantsAtEachStage) {
  make();
  EXPECT_EQ(wants(*client), "");  // has a ClientHello to make
  EXPECT_EQ(wants(*server), "RECORD");
  client->work();
  EXPECT_EQ(wants(*client), "RECORD");
  carry(*client, *server);
  EXPECT_EQ(wants(*client), "RECORD|CLEARTEXT");
  client->send("x");
  EXPECT_EQ(wants(*client), "");  // has a record to make
  client->work();
  EXPECT_EQ(wants(*client), "RECORD|CLEARTEXT");
  client->close_output();
  client->work();
  EXPECT_EQ(wants(*client), "RECORD");
  client->end_input();
  client->work();
  EXPECT_EQ(wants(*client), "");
  EXPECT_EQ(closed(*client), "OUT|ERROR");
}

TEST_P(Connection, UserPointerIsInEachEventMadeFromThenOn) {
  make();
  int mark = 0;
  openssl_setUser(client->tls(), &mark);
  EXPECT_EQ(openssl_user(client->tls()), &mark);
  OPENSSL_EVENT* e = openssl_getEvent(client->tls());
  EXPECT_EQ(e->r.user, &mark);
  EXPECT_EQ(openssl_owner(e), client->tls());
  EXPECT_FALSE(openssl_isCancelled(e));
  openssl_returnEvent(e);
}

TEST_P(Connection, OldInfoCallbackIsStillCalled) {
  static int calls;
  calls = 0;
  SSL_CTX_set_info_callback(pair.client_context.get(), [](const SSL*, int, int) { calls++; });
  connect();
  EXPECT_GT(calls, 5);
}

// An application's callback that asks for a retry gets one per openssl_getEvent that finds nothing else to do.
TEST_P(Connection, RetryOfACallbackTakesATurn) {
  static int calls;
  calls = 0;
  SSL_CTX_set_cert_cb(
      pair.server_context.get(), [](SSL*, void*) { return ++calls < 3 ? -1 : 1; }, nullptr);
  make();
  client->work();
  server->receive(client->take_output());
  server->work();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(wants(*server), "TURN");
  server->work();
  EXPECT_EQ(calls, 2);
  carry(*client, *server);
  EXPECT_EQ(calls, 3);
  EXPECT_TRUE(client->established());
}

TEST_P(Connection, BudgetGivesOthersATurn) {
  connect();
  openssl_setBudget(client->tls(), 3);
  for (int i = 0; i < 5; ++i) client->send("x");
  int events = 0;
  while (client->take_one()) ++events;
  EXPECT_EQ(events, 3);
  EXPECT_EQ(wants(*client), "TURN");
  client->work();
  client->work();
  client->work();
  EXPECT_EQ(client->cleartext_returned, 5);
  EXPECT_EQ(wants(*client), "RECORD|CLEARTEXT");
}

TEST_P(Connection, NoSecondMachineOnOneSsl) {
  make();
  EXPECT_EQ(openssl_new(client->ssl()), nullptr);
  EXPECT_NE(ERR_peek_error(), 0ul);
  carry(*client, *server);
  EXPECT_TRUE(client->established());
  EXPECT_EQ(openssl_new(client->ssl()), nullptr);
}

TEST_P(Connection, NewRefusesWhatItCannotDrive) {
  EXPECT_EQ(openssl_new(nullptr), nullptr);
  const Ssl without_role(SSL_new(Context(SSL_CTX_new(TLS_method())).get()));
  EXPECT_EQ(openssl_new(without_role.get()), nullptr);
  const Ssl datagrams = make_ssl(Context(SSL_CTX_new(DTLS_method())).get(), Role::kClient);
  EXPECT_EQ(openssl_new(datagrams.get()), nullptr);
  const Ssl served = pair.server_ssl();
  EXPECT_EQ(SSL_do_handshake(served.get()), -1);
  EXPECT_EQ(openssl_new(served.get()), nullptr);
  EXPECT_NE(ERR_peek_error(), 0ul);
  ERR_clear_error();
}

TEST_P(Connection, WaitForReplyPumpsUntilTheEventIsBack) {
  connect();
  OPENSSL_EVENT* e = openssl_newCleartextInEvent("wait for me", 11);
  openssl_putEvent(client->tls(), e);
  const auto pump = [](openssl_t* tls, OPENSSL_EVENT* other, void*) {
    return other ? openssl_putEvent(tls, other) : 0;
  };
  EXPECT_EQ(openssl_waitForReply(client->tls(), e, pump, nullptr), 1);
  openssl_freeEvent(e);
}

TEST_P(Connection, WaitForReplyStopsWhenThePumpDoes) {
  make();
  OPENSSL_EVENT* e = openssl_newCleartextInEvent("before the handshake", 20);
  openssl_putEvent(server->tls(), e);
  int calls = 0;
  const auto pump = [](openssl_t*, OPENSSL_EVENT*, void* count) { return ++*static_cast<int*>(count) < 3 ? 1 : 0; };
  EXPECT_EQ(openssl_waitForReply(server->tls(), e, pump, &calls), 0);
  EXPECT_EQ(calls, 3);
}

FOR_BOTH_VERSIONS(Connection);

TEST(Group, IsEmptyWithRsaKeyExchange) {
  Pair pair(TLS1_2_VERSION, KeyType::kRsa);
  SSL_CTX_set_cipher_list(pair.client_context.get(), "AES128-GCM-SHA256");
  auto client = pair.machine_client();
  auto server = pair.machine_server();
  carry(*client, *server);
  OPENSSL_NEGOTIATED agreed;
  ASSERT_EQ(openssl_negotiated(client->tls(), &agreed), 1);
  EXPECT_STREQ(agreed.group, "");
}

}  // namespace
}  // namespace openssl_event::testing
