// What the application has left in the thread's error queue is not taken for a connection's: neither by data that
// flows, nor by what ends it.
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "tests/openssl_event/connection_fixture.h"

namespace openssl_event::testing {
namespace {

// Each would tell another end than the true one.
void leave_errors() {
  ERR_raise(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED);
  ERR_raise(ERR_LIB_SSL, SSL_AD_REASON_OFFSET + SSL_AD_ACCESS_DENIED);
  ERR_raise(ERR_LIB_EVP, ERR_R_MALLOC_FAILURE);
}

class StaleErrors : public ConnectionTest {
 protected:
  ~StaleErrors() override { ERR_clear_error(); }
  void server_takes(const std::string& bytes) {
    server->receive(bytes);
    leave_errors();
    server->work();
  }
  void server_fails(const std::string& bytes, int reason, int error) {
    server_takes(bytes);
    ASSERT_EQ(server->reason(), reason) << server->failure()->text;
    EXPECT_EQ(ERR_GET_REASON(server->error()), error) << server->failure()->text;
    EXPECT_EQ(ERR_peek_error(), 0ul);
  }
  std::string from_client(const std::string& data) {
    client->send(data);
    client->work();
    return client->take_output();
  }
};

TEST_P(StaleErrors, LeaveDataAlone) {
  connect();
  std::string bytes = from_client("one");
  bytes += from_client("two");
  const std::size_t half = bytes.size() / 2 + 3;
  server_takes(bytes.substr(0, half));
  EXPECT_EQ(server->received(), "one");
  server_takes(bytes.substr(half));
  EXPECT_EQ(server->received(), "onetwo");
  server->send("three");
  leave_errors();
  carry(*client, *server);
  EXPECT_EQ(client->received(), "three");
  EXPECT_FALSE(server->failed() || client->failed());
}

TEST_P(StaleErrors, LeaveCloseNotifyAlone) {
  connect();
  client->close_output();
  client->work();
  server_takes(client->take_output());
  EXPECT_TRUE(server->closed_in());
  EXPECT_FALSE(server->failed());
  leave_errors();
  server->close_output();
  carry(*client, *server);
  EXPECT_EQ(closed(*server), "IN|OUT");
}

TEST_P(StaleErrors, AreNotWhatIsWrongWithARecord) {
  connect();
  std::string record = from_client("forged");
  record.back() = static_cast<char>(record.back() ^ 1);
  server_fails(record, OPENSSL_REASON_PROTOCOL, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC);
  EXPECT_EQ(server->failure()->alert_sent, SSL_AD_BAD_RECORD_MAC);
  EXPECT_EQ(server->failure()->alert_received, -1);
}

TEST_P(StaleErrors, AreNotThePeersAlert) {
  connect();
  std::string forged(tls13() ? 40 : 50, 'x');
  forged[0] = '\x17', forged[1] = forged[2] = '\x03', forged[3] = '\0',
  forged[4] = static_cast<char>(forged.size() - 5);
  client->receive(forged);
  client->work();
  ASSERT_TRUE(client->failed());
  server_fails(client->take_output(), OPENSSL_REASON_ALERT, SSL_AD_REASON_OFFSET + SSL_AD_BAD_RECORD_MAC);
  EXPECT_EQ(server->failure()->alert_received, SSL_AD_BAD_RECORD_MAC);
}

TEST_P(StaleErrors, AreNotTheEndOfTheTransport) {
  connect();
  server->end_input();
  server_fails("", OPENSSL_REASON_TRUNCATED, SSL_R_UNEXPECTED_EOF_WHILE_READING);
}

TEST_P(StaleErrors, LeaveAnIgnoredEndAlone) {
  SSL_CTX_set_options(pair.server_context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  connect();
  server->end_input();
  server_takes("");
  EXPECT_TRUE(server->closed_in());
  EXPECT_FALSE(server->failed());
}

// The machine refuses to seal before libssl is asked.
TEST_P(StaleErrors, AreNotWhyNothingIsSealed) {
  EXPECT_EQ(openssl_prepareContext(pair.server_context.get()), 1);
  connect();
  server->send("first");
  carry(*client, *server);
  SSL_shutdown(server->ssl());
  server->send("second");
  leave_errors();
  server->work();
  ASSERT_EQ(server->reason(), OPENSSL_REASON_PROTOCOL) << server->failure()->text;
  EXPECT_EQ(ERR_GET_REASON(server->error()), SSL_R_PROTOCOL_IS_SHUTDOWN) << server->failure()->text;
}

FOR_BOTH_VERSIONS(StaleErrors);

}  // namespace
}  // namespace openssl_event::testing
