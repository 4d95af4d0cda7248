// What a pool learns of how long calls take, and which it leaves to its callers.
#include "engine_workers/run_times.h"

#include <gtest/gtest.h>
#include <openssl/ec.h>

#include <chrono>
#include <thread>

#include "tests/engine_workers/pool_fixture.h"
#include "tests/support/keys.h"

namespace openssl_event::testing {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr int kEnough = 8;     // as engine_workers.h says
constexpr int kLookAgain = 64;

// ---- What is learned ----

class RunTimesTest : public ::testing::Test {
 protected:
  void learn(CallKind kind, microseconds run, int times = kEnough) {
    while (times-- > 0) run_times.learn(kind, run);
  }
  bool is_below(CallKind kind, microseconds limit) {
    // One question in 64 is answered by no, whatever is known.
    return run_times.are_below(kind, limit) || run_times.are_below(kind, limit);
  }

  RunTimes run_times;
};

TEST_F(RunTimesTest, NothingIsKnownOfAKindBeforeThereWereEnough) {
  EXPECT_FALSE(is_below(1, microseconds(100)));
  learn(1, microseconds(20), kEnough - 1);
  EXPECT_FALSE(is_below(1, microseconds(100)));
  learn(1, microseconds(20), 1);
  EXPECT_TRUE(is_below(1, microseconds(100)));
}

TEST_F(RunTimesTest, KindsAreToldApart) {
  learn(1, microseconds(20));
  learn(2, microseconds(500));
  EXPECT_TRUE(is_below(1, microseconds(100)));
  EXPECT_FALSE(is_below(2, microseconds(100)));
  EXPECT_FALSE(is_below(3, microseconds(100)));
}

TEST_F(RunTimesTest, NothingIsKnownOfWhatCanTakeAnyTime) {
  learn(0, microseconds(1));
  EXPECT_FALSE(is_below(0, microseconds(100)));
}

TEST_F(RunTimesTest, AKindThatMeetsAnotherInOnePlaceIsUnknown) {
  learn(1, microseconds(20));
  learn(1 + 64, microseconds(20), 1);
  EXPECT_FALSE(is_below(1, microseconds(100)));
}

TEST_F(RunTimesTest, AnInterruptedCallSaysLittle) {
  learn(1, microseconds(20));
  learn(1, milliseconds(30), 1);
  EXPECT_TRUE(is_below(1, microseconds(30)));
}

TEST_F(RunTimesTest, WhatHasBecomeSlowIsNoticed) {
  learn(1, microseconds(20));
  learn(1, microseconds(200), 100);
  EXPECT_FALSE(is_below(1, microseconds(100)));
}

TEST_F(RunTimesTest, WhatHasBecomeFastIsNoticed) {
  learn(1, microseconds(2000));
  learn(1, microseconds(20), 100);
  EXPECT_TRUE(is_below(1, microseconds(100)));
}

TEST_F(RunTimesTest, NowAndThenACallGoesToAWorkerAllTheSame) {
  learn(1, microseconds(20));
  int not_below = 0;
  for (int i = 0; i < 10 * kLookAgain; ++i) not_below += !run_times.are_below(1, microseconds(100));
  EXPECT_EQ(not_below, 10);
}

TEST_F(RunTimesTest, SeveralThreadsLearnAndAsk) {
  std::thread other([&] { learn(1, microseconds(20), 10000); });
  for (int i = 0; i < 10000; ++i) {
    run_times.learn(1 + 64 * (i % 2), microseconds(20));
    run_times.are_below(1, microseconds(100));
  }
  other.join();
}

// ---- Kinds ----

TEST(CallKindTest, IsOfOperationTypeCurveAndSize) {
  const Key p256 = make_key(KeyType::kEcP256), other_p256 = make_key(KeyType::kEcP256), p384 = make_key(KeyType::kEcP384);
  OPENSSL_ENGINE_CALL call = {};
  call.engine = openssl_defaultEngine();
  call.optype = OPENSSL_OPERATION_SIGN;
  const auto kind_with = [&](const Key& key) {
    call.u.s.key = key.get();
    return kind_of_call(call);
  };
  EXPECT_NE(kind_with(p256), 0u);
  EXPECT_EQ(kind_with(p256), kind_with(other_p256));
  EXPECT_NE(kind_with(p256), kind_with(p384));
  const CallKind sign = kind_with(p256);
  call.optype = OPENSSL_OPERATION_DECRYPT;
  call.u.d.key = p256.get();
  EXPECT_NE(kind_of_call(call), sign);
  const Key other_curve(EVP_EC_gen("brainpoolP256r1"));
  call.optype = OPENSSL_OPERATION_SIGN;
  EXPECT_NE(kind_with(other_curve), sign);
}

TEST(CallKindTest, OfWhatCanTakeAnyTimeIsNone) {
  const Key p256 = make_key(KeyType::kEcP256);
  OPENSSL_ENGINE_CALL call = {};
  call.optype = OPENSSL_OPERATION_SIGN;
  call.engine = openssl_defaultEngine();
  EXPECT_EQ(kind_of_call(call), 0u) << "without a key";
  call.u.s.key = p256.get();
  const OPENSSL_ENGINE device = {sizeof device, "a device", nullptr, nullptr, nullptr};
  call.engine = &device;
  EXPECT_EQ(kind_of_call(call), 0u);
  call.engine = openssl_defaultEngine();
  call.optype = OPENSSL_OPERATION_VERIFY;
  call.u.v.key = p256.get();
  EXPECT_EQ(kind_of_call(call), 0u) << "the peer has chosen it";
}

// ---- A pool ----

class LeavingPoolTest : public PoolTest {
 protected:
  void make_pool(unsigned least_us) {
    OPENSSL_WORKERS_CONFIG config = {};
    config.size = sizeof config;
    config.threads = 1;
    config.least_us = least_us;
    pool = openssl_newWorkers(&config);
    ASSERT_NE(pool, nullptr) << last_error();
  }
  // Whether the pool takes a call with the key, which it then executes.
  bool takes() {
    OPENSSL_EVENT* call = make_fake_call(yes);
    call->e.u.s.key = key.get();
    if (openssl_submitCall(pool, call, completions)) {
      collect_and_free(1);
      return true;
    }
    openssl_returnEvent(call);
    return false;
  }
  int taken_of(int calls) {
    int taken = 0;
    while (calls-- > 0) taken += takes();
    return taken;
  }

  const Key key = make_key(KeyType::kEcP256);
};

TEST_F(LeavingPoolTest, LeavesShortCallsToTheCallerOnceItKnowsThem) {
  make_pool(1'000'000);
  EXPECT_EQ(taken_of(kEnough), kEnough);
  EXPECT_EQ(taken_of(kLookAgain), 1);
  EXPECT_EQ(statistics().left, static_cast<std::uint64_t>(kLookAgain - 1));
  EXPECT_EQ(statistics().refused, 0u);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST_F(LeavingPoolTest, TakesAllWithoutBeingTold) {
  make_pool(0);
  EXPECT_EQ(taken_of(kLookAgain), kLookAgain);
  EXPECT_EQ(statistics().left, 0u);
}

TEST_F(LeavingPoolTest, TakesCallsWithoutAKeyOfOpenSSLs) {
  make_pool(1'000'000);
  for (int i = 0; i < kLookAgain; ++i) submit(yes);
  collect_and_free(kLookAgain);
  EXPECT_EQ(statistics().left, 0u);
}

}  // namespace
}  // namespace openssl_event::testing
