// With NDEBUG the misuse of an event is a failure without effect.
#include <openssl/err.h>

#include "tests/openssl_event/misuse.h"

namespace openssl_event::testing {
namespace {

class MisuseNdebug : public Misuse {
 protected:
  static void expect_failure(int result) {
    EXPECT_EQ(result, 0);
    EXPECT_NE(ERR_peek_error(), 0ul);
    ERR_clear_error();
  }
  // Everything still works.
  ~MisuseNdebug() override {
    server->keep_calls = false;
    server->execute_and_return_calls();
    carry(*client, *server);
    EXPECT_EQ(client->received(), "put");
  }
};

TEST_F(MisuseNdebug, PuttingTwice) { expect_failure(openssl_putEvent(server->tls(), put)); }

TEST_F(MisuseNdebug, PuttingToAnotherConnection) {
  expect_failure(openssl_putEvent(client->tls(), record));
  expect_failure(openssl_queueRecord(client->tls(), record));
}

TEST_F(MisuseNdebug, PuttingAnEventOfAFreedConnection) {
  other->free_machine();
  expect_failure(openssl_putEvent(client->tls(), record));
}

TEST_F(MisuseNdebug, FreeingWhatIsNotTheCallers) {
  expect_failure(openssl_freeEvent(record));
  expect_failure(openssl_freeEvent(put));
}

TEST_F(MisuseNdebug, QueueingWhatIsNoRecordOut) { expect_failure(openssl_queueRecord(server->tls(), call)); }

TEST_F(MisuseNdebug, CompletingTwice) {
  EXPECT_EQ(call->e.engine->call(call), 1);
  expect_failure(openssl_completeCall(call));
  expect_failure(openssl_failCall(call, "no"));
  expect_failure(openssl_decline(call));
  openssl_putEvent(server->tls(), call);
  server->calls.clear();
}

TEST_F(MisuseNdebug, CompletingWhatIsNoCall) { expect_failure(openssl_completeCall(record)); }

}  // namespace
}  // namespace openssl_event::testing
