// A peer that provokes answers faster than it reads them is ended; one that reads them is not.
#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

class Flood : public ::testing::Test {
 protected:
  Flood() { carry(*client, *server); }
  void ask_for_a_key_update() {
    SSL_key_update(client->ssl(), SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(client->ssl());
    deliver(*server, client->take_output());
  }

  Pair pair;
  std::unique_ptr<PlainEnd> client = pair.plain_client();
  std::unique_ptr<MachineEnd> server = pair.machine_server();
};

TEST_F(Flood, OfKeyUpdatesFromAPeerThatReadsNothingEnds) {
  server->keep_records = true;
  for (int i = 0; i < 60000 && !server->failed(); ++i) ask_for_a_key_update();
  EXPECT_EQ(server->reason(), OPENSSL_REASON_FLOOD);
  std::size_t held = 0;
  for (const OPENSSL_EVENT* e : server->records) held += static_cast<std::size_t>(e->r.len);
  EXPECT_LT(held, (std::size_t{1} << 20) + 1000);
}

TEST_F(Flood, OfKeyUpdatesFromAPeerThatReadsGoesOn) {
  for (int i = 0; i < 100; ++i) {
    ask_for_a_key_update();
    carry(*client, *server);
  }
  EXPECT_FALSE(client->failed() || server->failed());
}

}  // namespace
}  // namespace openssl_event::testing
