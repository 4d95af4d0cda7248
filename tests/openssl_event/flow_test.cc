// Flow control: windows, what is exempt from them; and KeyUpdates and tickets amid the data.
#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

class Flow : public BothVersions {
 protected:
  void connect() {
    client = pair.machine_client();
    server = pair.machine_server();
    carry(*client, *server);
    ASSERT_TRUE(client->established() && server->established());
  }
  static std::string wants(const MachineEnd& end) {
    char text[100];
    return openssl_wantsNames(openssl_wants(end.tls()), text, sizeof text);
  }

  Pair pair{GetParam()};
  std::unique_ptr<MachineEnd> client, server;
};

TEST_P(Flow, WindowOfZeroIsRefused) {
  connect();
  EXPECT_EQ(openssl_setWindow(client->tls(), 0, 1), 0);
  EXPECT_EQ(openssl_setWindow(client->tls(), 1, 0), 0);
  EXPECT_EQ(openssl_setWindow(client->tls(), 1, 1), 1);
}

TEST_P(Flow, FullRecordWindowHoldsCleartextBack) {
  connect();
  openssl_setWindow(client->tls(), 2, 16);
  client->keep_records = true;
  for (int i = 0; i < 5; ++i) client->send("x");
  client->work();
  EXPECT_EQ(client->records.size(), 2u);
  EXPECT_EQ(client->cleartext_returned, 2);
  EXPECT_EQ(wants(*client), "RECORD|SENT");
  client->return_record();
  client->work();
  EXPECT_EQ(client->records.size(), 2u);
  EXPECT_EQ(client->cleartext_returned, 3);
}

TEST_P(Flow, FullCleartextWindowHoldsRecordsBack) {
  connect();
  openssl_setWindow(server->tls(), 16, 2);
  server->keep_cleartext = true;
  for (int i = 0; i < 5; ++i) client->send("x");
  carry(*client, *server);
  const int before = server->records_returned;
  EXPECT_EQ(server->received(), "xx");
  EXPECT_EQ(server->records_put - before, 3);
  EXPECT_EQ(wants(*server), "USED|CLEARTEXT");
  server->return_cleartext();
  server->work();
  EXPECT_EQ(server->records_returned, before + 1);
}

TEST_P(Flow, DataIsReadWhileTheRecordWindowIsFull) {
  connect();
  openssl_setWindow(server->tls(), 1, 16);
  server->keep_records = true;
  for (int i = 0; i < 3; ++i) server->send("s");
  client->send("c");
  carry(*client, *server);
  EXPECT_EQ(server->received(), "c");
}

TEST_P(Flow, DataIsWrittenWhileTheCleartextWindowIsFull) {
  connect();
  openssl_setWindow(server->tls(), 16, 1);
  server->keep_cleartext = true;
  for (int i = 0; i < 3; ++i) client->send("c");
  server->send("s");
  carry(*client, *server);
  EXPECT_EQ(client->received(), "s");
}

TEST_P(Flow, NoDeadlockWithAllWindowsOne) {
  client = pair.machine_client();
  server = pair.machine_server();
  openssl_setWindow(client->tls(), 1, 1);
  openssl_setWindow(server->tls(), 1, 1);
  client->send(std::string(60000, 'c'));
  server->send(std::string(60000, 's'));
  client->close_output();
  server->close_output();
  carry(*client, *server);
  EXPECT_EQ(client->received().size() + server->received().size(), 120000u);
  EXPECT_TRUE(client->closed_in() && server->closed_in());
}

// The handshake's flights, with every RECORD_OUT kept by the application.
TEST_P(Flow, HandshakeIsExempt) {
  client = pair.machine_client();
  server = pair.machine_server();
  for (MachineEnd* end : {client.get(), server.get()}) {
    openssl_setWindow(end->tls(), 1, 1);
    end->keep_records = true;
  }
  carry(*client, *server);
  EXPECT_TRUE(client->established() && server->established());
  EXPECT_GT(server->records.size(), 1u);
}

TEST_P(Flow, CloseNotifyIsExempt) {
  connect();
  openssl_setWindow(client->tls(), 1, 1);
  client->keep_records = true;
  client->send("x");
  client->close_output();
  carry(*client, *server);
  EXPECT_TRUE(server->closed_in());
}

TEST_P(Flow, CloseNotifyWaitsForTheCleartextBeforeIt) {
  connect();
  openssl_setWindow(client->tls(), 1, 1);
  client->keep_records = true;
  client->send("x");
  client->send("y");
  client->close_output();
  carry(*client, *server);
  EXPECT_FALSE(server->closed_in());
  client->return_records();
  carry(*client, *server);
  EXPECT_TRUE(server->closed_in());
  EXPECT_EQ(server->received(), "xy");
}

TEST_P(Flow, RecordsKeptByTheApplicationOutliveTheConnection) {
  connect();
  client->keep_records = true;
  client->send("x");
  client->work();
  client->free_machine();
  EXPECT_TRUE(openssl_isCancelled(client->records.front()));
  EXPECT_EQ(client->records.front()->r.buf[0], 23);
}

TEST_P(Flow, LineOfRecordsIsSentInAnyPortions) {
  connect();
  for (int i = 0; i < 3; ++i) client->send(std::string(1000, 'c'));
  OPENSSL_EVENT* e;
  while ((e = openssl_getEvent(client->tls())) != nullptr)
    e->kind == OPENSSL_RECORD_OUT_KIND ? openssl_queueRecord(client->tls(), e) : openssl_freeEvent(e);
  std::string sent;
  for (std::size_t portion = 1; openssl_unsent(client->tls()) > 0; portion = portion * 3 % 700 + 1) {
    iovec slices[2];
    ASSERT_GT(openssl_gather(client->tls(), slices, 2), 0);
    portion = std::min(portion, slices[0].iov_len);
    sent.append(static_cast<char*>(slices[0].iov_base), portion);
    ASSERT_EQ(openssl_markSent(client->tls(), portion), 1);
  }
  EXPECT_EQ(openssl_markSent(client->tls(), 1), 0);
  deliver(*server, sent);
  EXPECT_EQ(server->received(), std::string(3000, 'c'));
}

TEST_P(Flow, LineOfRecordsIsFreedWithTheConnection) {
  connect();
  client->send("x");
  OPENSSL_EVENT* e;
  while ((e = openssl_getEvent(client->tls()))->kind != OPENSSL_RECORD_OUT_KIND) openssl_freeEvent(e);
  openssl_queueRecord(client->tls(), e);
  EXPECT_EQ(openssl_unsent(client->tls()), static_cast<std::size_t>(e->r.len));
  client->free_machine();
}

TEST_P(Flow, GatheringWithoutRoomFillsNothing) {
  connect();
  iovec slice;
  EXPECT_EQ(openssl_gather(client->tls(), &slice, 1), 0);
  EXPECT_EQ(openssl_gather(client->tls(), &slice, 0), 0);
}

FOR_BOTH_VERSIONS(Flow);

class KeyUpdate : public ::testing::Test {
 protected:
  KeyUpdate() {
    client = pair.machine_client();
    server = pair.machine_server();
    carry(*client, *server);
  }

  Pair pair;
  std::unique_ptr<MachineEnd> client, server;
};

TEST_F(KeyUpdate, OfOneKeyIsInOrderWithTheData) {
  client->send("before");
  EXPECT_EQ(openssl_updateKey(client->tls(), 0), 1);
  client->send("after");
  client->work();
  EXPECT_EQ(client->count(OPENSSL_STATUS_KEY_UPDATED), 1);
  carry(*client, *server);
  EXPECT_EQ(server->received(), "beforeafter");
  EXPECT_EQ(client->received(), "");
}

// libssl answers before it sends data the next time (RFC 8446 4.6.3), or when it reads more.
TEST_F(KeyUpdate, OfBothKeysIsAnswered) {
  server->keep_records = true;
  openssl_updateKey(client->tls(), 1);
  client->work();
  deliver(*server, client->take_output());
  server->send("x");
  server->work();
  EXPECT_EQ(server->records.size(), 2u);
  EXPECT_EQ(server->count(OPENSSL_STATUS_KEY_UPDATED), 0);
  carry(*client, *server);
  EXPECT_EQ(client->received(), "x");
}

TEST_F(KeyUpdate, BothWaysAtOnceWithData) {
  for (int i = 0; i < 3; ++i) {
    for (MachineEnd* end : {client.get(), server.get()}) {
      end->send("x");
      openssl_updateKey(end->tls(), 1);
      end->send("y");
    }
    client->work();
    server->work();
  }
  carry(*client, *server);
  EXPECT_EQ(client->received(), "xyxyxy");
  EXPECT_EQ(server->received(), "xyxyxy");
}

TEST_F(KeyUpdate, SeveralInARow) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(openssl_updateKey(client->tls(), i % 2), 1);
  client->send("x");
  client->close_output();
  EXPECT_EQ(openssl_updateKey(client->tls(), 0), 0);
  carry(*client, *server);
  EXPECT_EQ(client->count(OPENSSL_STATUS_KEY_UPDATED), 5);
  EXPECT_EQ(server->received(), "x");
  EXPECT_TRUE(server->closed_in());
}

TEST_F(KeyUpdate, IsExemptFromTheWindow) {
  openssl_setWindow(server->tls(), 1, 1);
  server->keep_records = true;
  server->send("x");
  openssl_updateKey(server->tls(), 1);
  carry(*client, *server);
  EXPECT_EQ(server->records.size(), 2u);
  EXPECT_FALSE(client->failed() || server->failed());
}

TEST(KeyUpdateTls12, IsRefused) {
  Pair pair(TLS1_2_VERSION);
  auto client = pair.machine_client();
  auto server = pair.machine_server();
  EXPECT_EQ(openssl_updateKey(client->tls(), 0), 0);
  carry(*client, *server);
  EXPECT_EQ(openssl_updateKey(client->tls(), 0), 0);
  client->send("x");
  carry(*client, *server);
  EXPECT_EQ(server->received(), "x");
}

// A ticket that holds a client's certificate takes several records of 512 bytes. What the application asks for while only
// the first has come waits for the rest.
class CutTicket : public ::testing::Test {
 protected:
  CutTicket() {
    use_key(pair.client_context.get(), KeyType::kRsa, false);
    trust(pair.server_context.get(), KeyType::kRsa);
    demand_certificate(pair.server_context.get());
    SSL_CTX_set_max_send_fragment(pair.server_context.get(), 512);
    client = pair.machine_client();
    server = pair.machine_server();
    openssl_allowRenegotiation(client->tls(), 1);
    client->work();
    deliver(*server, client->take_output());
    deliver(*client, server->take_output());
    deliver(*server, client->take_output());
    tickets = server->take_output();
    deliver(*client, tickets.substr(0, 540));
  }
  void finish() {
    deliver(*client, tickets.substr(540));
    carry(*client, *server);
    EXPECT_FALSE(client->failed() || server->failed());
    EXPECT_EQ(client->count(OPENSSL_STATUS_HANDSHAKE_DONE), 1);
  }

  Pair pair;
  std::unique_ptr<MachineEnd> client, server;
  std::string tickets;
};

TEST_F(CutTicket, IsInTheMiddle) {
  EXPECT_TRUE(client->established());
  EXPECT_TRUE(SSL_in_init(client->ssl()));
  finish();
}

TEST_F(CutTicket, DataWaits) {
  client->send("data");
  client->work();
  finish();
  EXPECT_EQ(server->received(), "data");
}

TEST_F(CutTicket, KeyUpdateWaits) {
  openssl_updateKey(client->tls(), 1);
  client->work();
  finish();
  EXPECT_EQ(client->count(OPENSSL_STATUS_KEY_UPDATED), 1);
}

TEST_F(CutTicket, CloseOutputWaits) {
  client->close_output();
  client->work();
  finish();
  EXPECT_TRUE(server->closed_in());
}

}  // namespace
}  // namespace openssl_event::testing
