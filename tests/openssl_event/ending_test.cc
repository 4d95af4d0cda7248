// How connections of two machines end: in order, half, cut off, by errors of either side, or freed.
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "tests/openssl_event/connection_fixture.h"

namespace openssl_event::testing {
namespace {

using Ending = ConnectionTest;

TEST_P(Ending, HalfCloseLetsDataFlowTheOtherWay) {
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

TEST_P(Ending, EndOfInputAfterCloseNotifyIsNoError) {
  connect();
  client->close_output();
  carry(*client, *server);
  server->end_input();
  server->send("still");
  carry(*client, *server);
  EXPECT_FALSE(server->failed());
  EXPECT_EQ(client->received(), "still");
}

TEST_P(Ending, EndOfInputWithoutCloseNotifyIsTruncation) {
  connect();
  client->send("half of it");
  carry(*client, *server);
  server->end_input();
  server->work();
  EXPECT_EQ(server->received(), "half of it");
  EXPECT_EQ(server->reason(), OPENSSL_REASON_TRUNCATED);
}

TEST_P(Ending, EndOfInputInTheHandshakeIsTruncation) {
  make();
  client->work();
  client->end_input();
  client->work();
  EXPECT_EQ(client->reason(), OPENSSL_REASON_TRUNCATED);
}

TEST_P(Ending, IgnoredEofIsCloseNotify) {
  SSL_CTX_set_options(pair.server_context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  connect();
  server->end_input();
  server->work();
  EXPECT_TRUE(server->closed_in());
  EXPECT_FALSE(server->failed());
}

TEST_P(Ending, CleartextAfterCloseOutputIsRefused) {
  connect();
  client->close_output();
  OPENSSL_EVENT* e = openssl_newCleartextInEvent("late", 4);
  EXPECT_EQ(openssl_putEvent(client->tls(), e), 0);
  EXPECT_NE(ERR_peek_error(), 0ul);
  openssl_freeEvent(e);
}

TEST_P(Ending, CloseOutputBeforeTheHandshakeWaitsForItsEnd) {
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
TEST_P(Ending, CloseNotifyInTheHandshakeIsAnError) {
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
TEST_P(Ending, AlertOfLevelWarningThatEndsTls13IsShown) {
  make();
  client->work();
  deliver(*server, client->take_output());
  deliver(*server, std::string("\x15\x03\x03\x00\x02\x01\x28", 7));
  ASSERT_EQ(server->failed(), tls13());
  if (!tls13()) return;
  EXPECT_EQ(server->reason(), OPENSSL_REASON_ALERT);
  EXPECT_EQ(server->failure()->alert_received, SSL_AD_HANDSHAKE_FAILURE);
}

TEST_P(Ending, ServerMayDemandACertificate) {
  demand_certificate(pair.server_context.get());
  make();
  carry(*client, *server);
  EXPECT_EQ(ERR_GET_REASON(server->error()), SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE);
  EXPECT_EQ(client->reason(), OPENSSL_REASON_ALERT);
}

TEST_P(Ending, UntrustedCertificateIsAVerifyError) {
  pair.client_context = make_client_context(GetParam(), KeyType::kRsa);
  make();
  carry(*client, *server);
  EXPECT_EQ(client->reason(), OPENSSL_REASON_VERIFY);
  EXPECT_EQ(client->failure()->alert_sent, SSL_AD_UNKNOWN_CA);
  EXPECT_EQ(server->reason(), OPENSSL_REASON_ALERT);
  EXPECT_EQ(server->failure()->alert_received, SSL_AD_UNKNOWN_CA);
}

TEST_P(Ending, AfterAnErrorEveryCallIsHarmlessAndInputsComeBack) {
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

TEST_P(Ending, QueuedInputsComeBackWhenItDies) {
  connect();
  openssl_setWindow(server->tls(), 1, 1);
  server->keep_records = true;
  for (int i = 0; i < 4; ++i) server->send("waits");
  server->receive(
      std::string("\x17\x03\x03\x00\x05"
                  "wrong"
                  "\x17\x03\x03\x00\x05"
                  "wrong",
                  20));
  server->work();
  EXPECT_TRUE(server->failed());
  EXPECT_EQ(server->cleartext_returned, 4);
  EXPECT_EQ(server->records_returned, server->records_put);
}

TEST_P(Ending, SslOutlivesTheMachine) {
  make();
  SSL_up_ref(client->ssl());
  const Ssl ssl(client->ssl());
  carry(*client, *server);
  client->free_machine();
  EXPECT_STREQ(SSL_get_version(ssl.get()), tls13() ? "TLSv1.3" : "TLSv1.2");
}

TEST_P(Ending, FreeAtEveryEvent) {
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

FOR_BOTH_VERSIONS(Ending);

}  // namespace
}  // namespace openssl_event::testing
