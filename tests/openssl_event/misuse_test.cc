// Misuse of an event aborts with a message.
#include "tests/openssl_event/misuse.h"

namespace openssl_event::testing {
namespace {

using MisuseDeathTest = Misuse;

TEST_F(MisuseDeathTest, PuttingTwice) {
  EXPECT_DEATH(openssl_putEvent(server->tls(), put), "the machine holds this event");
}

TEST_F(MisuseDeathTest, PuttingWhatHasBeenGivenBack) {
  EXPECT_DEATH(
      {
        openssl_putEvent(other->tls(), record);
        openssl_putEvent(other->tls(), record);
      },
      "already been given back");
}

TEST_F(MisuseDeathTest, PuttingToAnotherConnection) {
  EXPECT_DEATH(openssl_putEvent(client->tls(), record), "another connection made this event");
  EXPECT_DEATH(openssl_queueRecord(client->tls(), record), "another connection made this event");
}

TEST_F(MisuseDeathTest, PuttingAnEventOfAFreedConnection) {
  other->free_machine();
  EXPECT_DEATH(openssl_putEvent(client->tls(), record), "has been freed");
}

TEST_F(MisuseDeathTest, ForeignMemory) {
  alignas(16) char memory[1000] = {};
  EXPECT_DEATH(openssl_putEvent(client->tls(), reinterpret_cast<OPENSSL_EVENT*>(memory + 512)), "not an event");
}

TEST_F(MisuseDeathTest, FreeingALentEvent) { EXPECT_DEATH(openssl_freeEvent(record), "the machine made this event"); }

TEST_F(MisuseDeathTest, FreeingWhatTheMachineHolds) {
  EXPECT_DEATH(openssl_freeEvent(put), "the machine holds this event");
}

TEST_F(MisuseDeathTest, FreeingTwice) {
  EXPECT_DEATH(
      {
        OPENSSL_EVENT* e = openssl_newRecordInEvent(nullptr, 5);
        openssl_freeEvent(e);
        openssl_freeEvent(e);
      },
      "already been given back");
}

TEST_F(MisuseDeathTest, ReturningAnEventOfTheApplication) {
  EXPECT_DEATH(openssl_returnEvent(openssl_newRecordInEvent(nullptr, 5)), "the application made this event");
}

TEST_F(MisuseDeathTest, QueueingWhatIsNoRecordOut) {
  EXPECT_DEATH(openssl_queueRecord(server->tls(), call), "only a RECORD_OUT");
}

TEST_F(MisuseDeathTest, CompletingTwice) {
  EXPECT_DEATH(
      {
        openssl_completeCall(call);
        openssl_completeCall(call);
      },
      "executed already");
}

TEST_F(MisuseDeathTest, ExecutingTwice) {
  EXPECT_DEATH(
      {
        call->e.engine->call(call);
        call->e.engine->call(call);
      },
      "executed already");
}

TEST_F(MisuseDeathTest, CompletingWhatIsNoCall) {
  EXPECT_DEATH(openssl_failCall(record, "no"), "no ENGINE_CALL_OUT");
  EXPECT_DEATH(openssl_decline(record), "no ENGINE_CALL_OUT");
}

TEST_F(MisuseDeathTest, CompletingWhatHasGoneHome) {
  openssl_putEvent(server->tls(), call);
  server->calls.clear();
  EXPECT_DEATH(openssl_completeCall(call), "the machine holds this event");
}

}  // namespace
}  // namespace openssl_event::testing
