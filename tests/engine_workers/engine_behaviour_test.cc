// Whatever an engine does ends in an answer to its call, and in nothing else.
#include <stdexcept>
#include <string>

#include "tests/engine_workers/pool_fixture.h"

namespace openssl_event::testing {
namespace {

OPENSSL_ENGINE engine_of(int (*call)(OPENSSL_EVENT*)) { return {sizeof(OPENSSL_ENGINE), "test", call, nullptr, nullptr}; }

class EngineBehaviourTest : public PoolTest {
 protected:
  // Executes one call by `engine` between two ordinary ones, on one worker, and expects those to succeed.
  OPENSSL_EVENT* run(const OPENSSL_ENGINE& engine) {
    make_pool(1);
    OPENSSL_EVENT* before = submit(yes);
    OPENSSL_EVENT* call = make_fake_call(yes, &engine);
    EXPECT_TRUE(submit(call));
    OPENSSL_EVENT* after = submit(yes);
    for (OPENSSL_EVENT* expected : {before, call, after}) EXPECT_EQ(collect_one(), expected);
    for (OPENSSL_EVENT* good : {before, after}) {
      EXPECT_EQ(good->e.err.code, 0u);
      openssl_returnEvent(good);
    }
    EXPECT_EQ(call->kind, OPENSSL_ENGINE_CALL_IN_KIND);
    result = call;
    return call;
  }
  std::string reason() const { return result->e.err.data ? result->e.err.data : ""; }
  void TearDown() override {
    if (result) openssl_returnEvent(result);
    PoolTest::TearDown();
  }

  OPENSSL_EVENT* result = nullptr;
};

TEST_F(EngineBehaviourTest, AThrowingEngineFailsOnlyItsCall) {
  const auto engine = engine_of([](OPENSSL_EVENT*) -> int { throw std::runtime_error("token unplugged"); });
  EXPECT_NE(run(engine)->e.err.code, 0u);
  EXPECT_EQ(reason(), "the engine threw: token unplugged");
  EXPECT_EQ(statistics().failed, 1u);
}

TEST_F(EngineBehaviourTest, WhatIsThrownMayBeAnything) {
  const auto engine = engine_of([](OPENSSL_EVENT*) -> int { throw 42; });
  EXPECT_NE(run(engine)->e.err.code, 0u);
  EXPECT_EQ(reason(), "the engine threw something that is no std::exception");
}

TEST_F(EngineBehaviourTest, AFailingEngineFailsOnlyItsCall) {
  const auto engine = engine_of([](OPENSSL_EVENT* e) { return openssl_failCall(e, "wrong PIN") - 1; });
  EXPECT_NE(run(engine)->e.err.code, 0u);
  EXPECT_EQ(reason(), "wrong PIN");
  EXPECT_EQ(statistics().failed, 1u);
}

TEST_F(EngineBehaviourTest, AForgettingEngineFailsOnlyItsCall) {
  const auto engine = engine_of([](OPENSSL_EVENT*) { return 1; });
  EXPECT_NE(run(engine)->e.err.code, 0u);
  EXPECT_EQ(reason(), "the engine returned without completing, failing or declining the call");
}

TEST_F(EngineBehaviourTest, WhatAForgettingEngineLeftInTheErrorQueueIsTheReason) {
  const auto engine = engine_of([](OPENSSL_EVENT* e) {
    e->e.u.s.signature_len = e->e.u.s.signature_size + 1;
    return openssl_completeCall(e);
  });
  EXPECT_NE(run(engine)->e.err.code, 0u);
  EXPECT_NE(reason(), "");
  EXPECT_EQ(reason().find("without completing"), std::string::npos) << reason();
}

TEST_F(EngineBehaviourTest, AnEngineThatThrowsAfterCompletingHasCompleted) {
  const auto engine = engine_of([](OPENSSL_EVENT* e) -> int {
    openssl_completeCall(e);
    throw std::runtime_error("too late");
  });
  EXPECT_EQ(run(engine)->e.err.code, 0u);
  EXPECT_EQ(statistics().failed, 0u);
}

TEST_F(EngineBehaviourTest, ADecliningEngineHasNotFailed) {
  const auto engine = engine_of(openssl_decline);
  EXPECT_EQ(run(engine)->e.err.code, 0u);
  EXPECT_EQ(statistics().failed, 0u);
}

TEST_F(EngineBehaviourTest, AnEngineFindsTheErrorQueueEmpty) {
  make_pool(1);
  for (int i = 0; i < 2; i++) {
    submit([] {
      const bool empty = ERR_peek_error() == 0;
      ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
      return empty;
    });
    OPENSSL_EVENT* e = collect_one();
    EXPECT_EQ(e->e.err.code, 0u);
    openssl_returnEvent(e);
  }
}

}  // namespace
}  // namespace openssl_event::testing
