// The life of a connection between two machines: handshake, data, key update, close, and what queries say meanwhile.
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

class Connection : public BothVersions {
 protected:
  void make() {
    client = pair.machine_client();
    server = pair.machine_server();
  }
  void connect() {
    make();
    carry(*client, *server);
    ASSERT_TRUE(client->established() && server->established());
  }
  // An SSL that is freed without a close_notify spoils its session.
  void reconnect_with_the_session() {
    client->close_output();
    server->close_output();
    carry(*client, *server);
    SSL_SESSION* session = SSL_get1_session(client->ssl());
    make();
    SSL_set_session(client->ssl(), session);
    SSL_SESSION_free(session);
    carry(*client, *server);
  }
  static std::string wants(const MachineEnd& end) {
    char text[100];
    return openssl_wantsNames(openssl_wants(end.tls()), text, sizeof text);
  }
  static std::string closed(const MachineEnd& end) {
    char text[100];
    return openssl_closedNames(openssl_closed(end.tls()), text, sizeof text);
  }

  Pair pair{GetParam()};
  std::unique_ptr<MachineEnd> client, server;
};

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

TEST_P(Connection, HalfCloseLetsDataFlowTheOtherWay) {
  connect();
  client->send("question");
  client->close_output();
  carry(*client, *server);
  EXPECT_TRUE(server->closed_in());
  EXPECT_EQ(closed(*client), "OUT");
  EXPECT_EQ(closed(*server), "IN");
  server->send("answer");
  server->close_output();
  carry(*client, *server);
  EXPECT_EQ(client->received(), "answer");
  EXPECT_EQ(closed(*client), "IN|OUT");
  EXPECT_FALSE(client->failed() || server->failed());
  EXPECT_EQ(wants(*client), "");
}

TEST_P(Connection, EndOfInputAfterCloseNotifyIsNoError) {
  connect();
  client->close_output();
  carry(*client, *server);
  server->end_input();
  server->send("still");
  carry(*client, *server);
  EXPECT_FALSE(server->failed());
  EXPECT_EQ(client->received(), "still");
}

TEST_P(Connection, EndOfInputWithoutCloseNotifyIsTruncation) {
  connect();
  client->send("half of it");
  carry(*client, *server);
  server->end_input();
  server->work();
  EXPECT_EQ(server->received(), "half of it");
  EXPECT_EQ(server->reason(), OPENSSL_REASON_TRUNCATED);
}

TEST_P(Connection, EndOfInputInTheHandshakeIsTruncation) {
  make();
  client->work();
  client->end_input();
  client->work();
  EXPECT_EQ(client->reason(), OPENSSL_REASON_TRUNCATED);
}

TEST_P(Connection, IgnoredEofIsCloseNotify) {
  SSL_CTX_set_options(pair.server_context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  connect();
  server->end_input();
  server->work();
  EXPECT_TRUE(server->closed_in());
  EXPECT_FALSE(server->failed());
}

TEST_P(Connection, CleartextAfterCloseOutputIsRefused) {
  connect();
  client->close_output();
  OPENSSL_EVENT* e = openssl_newCleartextInEvent("late", 4);
  EXPECT_EQ(openssl_putEvent(client->tls(), e), 0);
  EXPECT_NE(ERR_peek_error(), 0ul);
  openssl_freeEvent(e);
}

TEST_P(Connection, CloseOutputBeforeTheHandshakeWaitsForItsEnd) {
  make();
  client->send("all");
  client->close_output();
  client->close_output();
  carry(*client, *server);
  EXPECT_EQ(server->received(), "all");
  EXPECT_TRUE(server->closed_in());
  EXPECT_EQ(client->count(OPENSSL_STATUS_OUTPUT_CLOSED), 1);
}

// A close_notify instead of a handshake ends the connection: nothing can follow, and what was put must come back.
TEST_P(Connection, CloseNotifyInTheHandshakeIsAnError) {
  make();
  client->send("never sent");
  client->work();
  client->receive(std::string("\x15\x03\x03\x00\x02\x01\x00", 7));
  client->work();
  ASSERT_EQ(client->reason(), OPENSSL_REASON_PROTOCOL);
  EXPECT_EQ(client->failure()->alert_received, SSL_AD_CLOSE_NOTIFY);
  EXPECT_EQ(client->cleartext_returned, 1);
}

// RFC 8446 6: all alerts other than close_notify and user_canceled are fatal, whatever level they claim.
TEST_P(Connection, AlertOfLevelWarningThatEndsTls13IsShown) {
  make();
  client->work();
  deliver(*server, client->take_output());
  deliver(*server, std::string("\x15\x03\x03\x00\x02\x01\x28", 7));
  ASSERT_EQ(server->failed(), tls13());
  if (!tls13()) return;
  EXPECT_EQ(server->reason(), OPENSSL_REASON_ALERT);
  EXPECT_EQ(server->failure()->alert_received, SSL_AD_HANDSHAKE_FAILURE);
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

TEST_P(Connection, ServerMayDemandACertificate) {
  demand_certificate(pair.server_context.get());
  make();
  carry(*client, *server);
  EXPECT_EQ(ERR_GET_REASON(server->error()), SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE);
  EXPECT_EQ(client->reason(), OPENSSL_REASON_ALERT);
}

TEST_P(Connection, UntrustedCertificateIsAVerifyError) {
  pair.client_context = make_client_context(GetParam(), KeyType::kRsa);
  make();
  carry(*client, *server);
  EXPECT_EQ(client->reason(), OPENSSL_REASON_VERIFY);
  EXPECT_EQ(client->failure()->alert_sent, SSL_AD_UNKNOWN_CA);
  EXPECT_EQ(server->reason(), OPENSSL_REASON_ALERT);
  EXPECT_EQ(server->failure()->alert_received, SSL_AD_UNKNOWN_CA);
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

TEST_P(Connection, AfterAnErrorEveryCallIsHarmlessAndInputsComeBack) {
  connect();
  server->end_input();
  server->work();
  ASSERT_TRUE(server->failed());
  server->take_output();  // libssl's alert
  server->send("into the void");
  server->receive(std::string("\x17\x03\x03\x00\x01x", 6));
  server->close_output();
  server->end_input();
  EXPECT_EQ(openssl_updateKey(server->tls(), 1), 0);
  EXPECT_EQ(openssl_renegotiate(server->tls()), 0);
  server->work();
  EXPECT_EQ(server->cleartext_returned, server->cleartext_put);
  EXPECT_EQ(server->records_returned, server->records_put);
  EXPECT_EQ(server->count(OPENSSL_STATUS_ERROR), 1);
  EXPECT_EQ(server->take_output(), "");
  OPENSSL_NEGOTIATED agreed;
  EXPECT_EQ(openssl_negotiated(server->tls(), &agreed), 1);
}

TEST_P(Connection, QueuedInputsComeBackWhenItDies) {
  connect();
  openssl_setWindow(server->tls(), 1, 1);
  server->keep_records = true;
  for (int i = 0; i < 4; ++i) server->send("waits");
  server->receive(std::string("\x17\x03\x03\x00\x05" "wrong" "\x17\x03\x03\x00\x05" "wrong", 20));
  server->work();
  EXPECT_TRUE(server->failed());
  EXPECT_EQ(server->cleartext_returned, 4);
  EXPECT_EQ(server->records_returned, server->records_put);
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

TEST_P(Connection, SslOutlivesTheMachine) {
  make();
  SSL_up_ref(client->ssl());
  const Ssl ssl(client->ssl());
  carry(*client, *server);
  client->free_machine();
  EXPECT_STREQ(SSL_get_version(ssl.get()), tls13() ? "TLSv1.3" : "TLSv1.2");
}

TEST_P(Connection, FreeAtEveryEvent) {
  for (int events = 0;; ++events) {
    make();
    client->send("data");
    client->close_output();
    bool all = true;
    server->one_by_one = true;
    for (int left = events; left > 0 && all; --left) {
      if (client->take_one()) continue;
      all = false;
      deliver(*server, client->take_output());
      const std::string answer = server->take_output();
      client->receive(answer);
      all = !answer.empty();
    }
    client->free_machine();
    if (!all) break;
  }
}

TEST_P(Connection, WaitForReplyPumpsUntilTheEventIsBack) {
  connect();
  OPENSSL_EVENT* e = openssl_newCleartextInEvent("wait for me", 11);
  openssl_putEvent(client->tls(), e);
  const auto pump = [](openssl_t* tls, OPENSSL_EVENT* other, void*) { return other ? openssl_putEvent(tls, other) : 0; };
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
