// KeyUpdates and tickets of TLS 1.3 amid the data.
#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

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

// Without this mode libssl returns after a record that was its own, and asks to be called again.
TEST_F(KeyUpdate, WithoutAutoRetryIsNoError) {
  SSL_clear_mode(server->ssl(), SSL_MODE_AUTO_RETRY);
  client->send("before");
  openssl_updateKey(client->tls(), 1);
  client->send("after");
  carry(*client, *server);
  EXPECT_EQ(server->received(), "beforeafter");
  EXPECT_FALSE(server->failed());
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

// A ticket that holds a client's certificate takes several records of 512 bytes. What the application asks for while
// only the first has come waits for the rest.
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
