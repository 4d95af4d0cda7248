// Flow control: windows, what is exempt from them, and the line of records to send.
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

}  // namespace
}  // namespace openssl_event::testing
