// What a pool promises to those who submit calls to it.
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include "tests/engine_workers/pool_fixture.h"

extern "C" int make_and_free_pool_in_c99(void);  // header_in_c99.c

namespace openssl_event::testing {
namespace {

using WorkersTest = PoolTest;

std::string reason(const OPENSSL_EVENT* e) { return e->e.err.data ? e->e.err.data : ""; }

TEST_F(WorkersTest, CompletesACallOnAnotherThread) {
  make_pool(1);
  OPENSSL_EVENT* call = submit(yes);
  EXPECT_EQ(collect_one(), call);
  EXPECT_EQ(call->kind, OPENSSL_ENGINE_CALL_IN_KIND);
  EXPECT_NE(call->e.thread, 0u);
  EXPECT_NE(call->e.thread, static_cast<unsigned long>(gettid()));
  EXPECT_EQ(call->e.err.code, 0u);
  openssl_returnEvent(call);
}

TEST_F(WorkersTest, BringsEachCallHomeToTheQueueItWasSubmittedFor) {
  make_pool(2);
  openssl_completions_t* other = openssl_newCompletions();
  OPENSSL_EVENT* mine = submit(yes);
  OPENSSL_EVENT* theirs = make_fake_call(yes);
  ASSERT_TRUE(openssl_submitCall(pool, theirs, other));
  EXPECT_EQ(collect_one(), mine);
  EXPECT_EQ(collect(other), theirs);
  openssl_returnEvent(mine);
  openssl_returnEvent(theirs);
  openssl_drainWorkers(pool);
  openssl_freeCompletions(other);
}

TEST_F(WorkersTest, RefusesAtOnceWhenFullAndLosesNothing) {
  make_pool(1, 3);
  occupy_worker();
  for (int i = 0; i < 3; i++) submit(yes);
  OPENSSL_EVENT* refused = make_fake_call(yes);
  EXPECT_FALSE(submit(refused));
  EXPECT_NE(last_error(), "");
  EXPECT_EQ(refused->e.engine->call(refused), 1) << "the caller still holds it";
  openssl_returnEvent(refused);
  gate.open();
  collect_and_free(4);
}

TEST_F(WorkersTest, TakesCallsAgainWhenTheQueueHasRoom) {
  make_pool(1, 1);
  for (int i = 0; i < 100; i++) {
    submit(yes);
    openssl_drainWorkers(pool);
  }
  collect_and_free(100);
}

TEST_F(WorkersTest, BeginsCallsInTheOrderOfTheirSubmission) {
  make_pool(1);
  std::vector<int> begun;
  occupy_worker();
  for (int i = 0; i < 500; i++)
    submit([&begun, i] {
      begun.push_back(i);
      return true;
    });
  gate.open();
  collect_and_free(501);
  for (int i = 0; i < 500; i++) ASSERT_EQ(begun[static_cast<std::size_t>(i)], i);
}

TEST_F(WorkersTest, CompletesInAnyOrder) {
  make_pool(2);
  OPENSSL_EVENT* slow = occupy_worker();
  OPENSSL_EVENT* quick = submit(yes);
  EXPECT_EQ(collect_one(), quick);
  gate.open();
  EXPECT_EQ(collect_one(), slow);
  openssl_returnEvent(quick);
  openssl_returnEvent(slow);
}

TEST_F(WorkersTest, RefusesWhatIsNoCallToExecute) {
  make_pool(1);
  OPENSSL_EVENT* executed = make_fake_call(yes);
  executed->e.engine->call(executed);
  EXPECT_FALSE(submit(executed));
  OPENSSL_EVENT* without_engine = make_fake_call(yes, nullptr);
  EXPECT_FALSE(submit(without_engine));
  OPENSSL_EVENT* cleartext = openssl_newCleartextInEvent("x", 1);
  EXPECT_FALSE(submit(cleartext));
  EXPECT_FALSE(submit(static_cast<OPENSSL_EVENT*>(nullptr)));
  EXPECT_EQ(statistics().refused, 0u);
  openssl_returnEvent(executed);
  openssl_returnEvent(without_engine);
  openssl_freeEvent(cleartext);
}

TEST_F(WorkersTest, SkipsCancelledCallsThatHaveNotBegun) {
  make_pool(1);
  OPENSSL_EVENT* first = occupy_worker();
  std::atomic<bool> executed{false};
  OPENSSL_EVENT* cancelled = submit([&] { return executed = true; });
  cancel_fake_call(cancelled);
  gate.open();
  EXPECT_EQ(collect_one(), first);
  EXPECT_EQ(collect_one(), cancelled);
  EXPECT_FALSE(executed);
  EXPECT_EQ(cancelled->kind, OPENSSL_ENGINE_CALL_OUT_KIND) << "left as it was";
  EXPECT_EQ(statistics().cancelled, 1u);
  openssl_returnEvent(first);
  openssl_returnEvent(cancelled);
}

TEST_F(WorkersTest, FinishesACallThatIsCancelledWhileItRuns) {
  make_pool(1);
  OPENSSL_EVENT* running = occupy_worker();
  cancel_fake_call(running);
  gate.open();
  EXPECT_EQ(collect_one(), running);
  EXPECT_EQ(running->kind, OPENSSL_ENGINE_CALL_IN_KIND);
  openssl_returnEvent(running);
}

TEST_F(WorkersTest, DrainWaitsForQueuedAndRunningCalls) {
  make_pool(1);
  occupy_worker();
  for (int i = 0; i < 10; i++) submit(yes);
  std::atomic<bool> drained{false};
  std::thread waiter([&] {
    EXPECT_EQ(openssl_drainWorkers(pool), 1);
    drained = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(drained);
  gate.open();
  waiter.join();
  for (int i = 0; i < 11; i++) openssl_returnEvent(openssl_collectCompletion(completions));  // all are there
}

TEST_F(WorkersTest, DrainOfAnIdlePoolReturnsAtOnceAndThePoolGoesOn) {
  make_pool(2);
  EXPECT_EQ(openssl_drainWorkers(pool), 1);
  submit(yes);
  EXPECT_EQ(openssl_drainWorkers(pool), 1);
  collect_and_free(1);
}

TEST_F(WorkersTest, FreeFailsQueuedCallsFinishesRunningOnesAndLosesNone) {
  make_pool(2, 100);
  OPENSSL_EVENT* running[] = {occupy_worker(), occupy_worker()};
  std::vector<OPENSSL_EVENT*> queued;
  for (int i = 0; i < 50; i++) queued.push_back(submit(yes));
  cancel_fake_call(queued[7]);

  std::thread ender([this] { openssl_freeWorkers(std::exchange(pool, nullptr)); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  gate.open();
  ender.join();

  for (int i = 0; i < 52; i++) ASSERT_NE(openssl_collectCompletion(completions), nullptr);
  EXPECT_EQ(openssl_collectCompletion(completions), nullptr);
  for (OPENSSL_EVENT* e : running) EXPECT_EQ(e->e.err.code, 0u);
  for (OPENSSL_EVENT* e : queued)
    EXPECT_EQ(reason(e), e == queued[7] ? "" : "workers shut down");
  EXPECT_EQ(queued[7]->kind, OPENSSL_ENGINE_CALL_OUT_KIND);
  for (OPENSSL_EVENT* e : running) openssl_returnEvent(e);
  for (OPENSSL_EVENT* e : queued) openssl_returnEvent(e);
}

TEST_F(WorkersTest, RefusesWhatAnEngineSubmitsWhileThePoolIsFreed) {
  make_pool(1);
  OPENSSL_EVENT* late = make_fake_call(yes);
  std::atomic<int> answer{-1};
  submit([&, workers = pool] {
    gate.pass();
    answer = openssl_submitCall(workers, late, completions);
    return true;
  });
  gate.wait_for_waiting(1);
  std::thread ender([this] { openssl_freeWorkers(std::exchange(pool, nullptr)); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  gate.open();
  ender.join();
  EXPECT_EQ(answer, 0);
  openssl_returnEvent(late);
  collect_and_free(1);
}

TEST_F(WorkersTest, TakesCallsFromEnginesOnItsWorkers) {
  make_pool(1);
  OPENSSL_EVENT* second = make_fake_call(yes);
  OPENSSL_EVENT* first = submit([&] { return submit(second); });
  EXPECT_EQ(collect_one(), first);
  EXPECT_EQ(collect_one(), second);
  openssl_returnEvent(first);
  openssl_returnEvent(second);
}

TEST_F(WorkersTest, FreeOfNothingIsIgnored) { openssl_freeWorkers(nullptr); }

TEST_F(WorkersTest, CanBeUsedFromC99) { EXPECT_EQ(make_and_free_pool_in_c99(), 1); }

#ifndef NDEBUG
// The forked child of a death test has one thread: its pool is made in it.
TEST(WorkersDeathTest, DrainOnAWorkerAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        openssl_workers_t* pool = openssl_newWorkers(nullptr);
        openssl_completions_t* completions = openssl_newCompletions();
        OPENSSL_EVENT* call = make_fake_call([pool] { return openssl_drainWorkers(pool) == 1; });
        openssl_submitCall(pool, call, completions);
        collect(completions);
      },
      "called on a worker");
}
#endif

}  // namespace
}  // namespace openssl_event::testing
