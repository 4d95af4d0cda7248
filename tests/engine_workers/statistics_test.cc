// The numbers of a pool.
#include "engine_workers/statistics.h"

#include <chrono>
#include <numeric>
#include <thread>

#include "tests/engine_workers/pool_fixture.h"

namespace openssl_event::testing {
namespace {

using namespace std::chrono_literals;

int bucket_of(std::chrono::nanoseconds duration) {
  Histogram histogram;
  histogram.add(duration);
  OPENSSL_HISTOGRAM out = {};
  histogram.add_to(out);
  for (int i = 0; i < OPENSSL_HISTOGRAM_BUCKETS; i++)
    if (out.buckets[i]) return i;
  return -1;
}

TEST(HistogramTest, BucketsBeginAtPowersOfTwo) {
  EXPECT_EQ(bucket_of(0ns), 0);
  EXPECT_EQ(bucket_of(999ns), 0);
  EXPECT_EQ(bucket_of(1us), 1);
  EXPECT_EQ(bucket_of(1999ns), 1);
  EXPECT_EQ(bucket_of(2us), 2);
  EXPECT_EQ(bucket_of(3999ns), 2);
  EXPECT_EQ(bucket_of(4us), 3);
  EXPECT_EQ(bucket_of(1024us), 11);
  EXPECT_EQ(bucket_of(1023us), 10);
}

TEST(HistogramTest, TheLastBucketHasNoEnd) {
  EXPECT_EQ(bucket_of(std::chrono::microseconds((1 << 26) - 1)), OPENSSL_HISTOGRAM_BUCKETS - 2);
  EXPECT_EQ(bucket_of(std::chrono::microseconds(1 << 26)), OPENSSL_HISTOGRAM_BUCKETS - 1);
  EXPECT_EQ(bucket_of(24h), OPENSSL_HISTOGRAM_BUCKETS - 1);
}

TEST(HistogramTest, RoundsTheSumNotItsParts) {
  Histogram histogram;
  for (int i = 0; i < 10; i++) histogram.add(150ns);
  OPENSSL_HISTOGRAM out = {};
  histogram.add_to(out);
  finish_histogram(out);
  EXPECT_EQ(out.count, 10u);
  EXPECT_EQ(out.sum_microseconds, 1u);
}

using WorkersStatisticsTest = PoolTest;

TEST_F(WorkersStatisticsTest, AddUp) {
  make_pool(2, 30);
  for (int i = 0; i < 2; i++) occupy_worker();
  for (int i = 0; i < 30; i++) {
    OPENSSL_EVENT* call = submit([i] { return i % 3 != 0; });
    if (i >= 20) cancel_fake_call(call);
  }
  for (int i = 0; i < 4; i++) {
    OPENSSL_EVENT* refused = make_fake_call(yes);
    EXPECT_FALSE(submit(refused));
    openssl_returnEvent(refused);
  }

  OPENSSL_WORKERS_STATISTICS now = statistics();
  EXPECT_EQ(now.threads, 2u);
  EXPECT_EQ(now.queued, 30u);
  EXPECT_EQ(now.running, 2u);
  EXPECT_EQ(now.done + now.failed + now.cancelled, 0u);
  EXPECT_EQ(now.refused, 4u);

  gate.open();
  collect_and_free(32);
  now = statistics();
  EXPECT_EQ(now.queued, 0u);
  EXPECT_EQ(now.running, 0u);
  EXPECT_EQ(now.done, 15u);
  EXPECT_EQ(now.failed, 7u);
  EXPECT_EQ(now.cancelled, 10u);
  for (const OPENSSL_HISTOGRAM& histogram : {now.wait, now.run}) {
    EXPECT_EQ(histogram.count, now.done + now.failed);
    const uint64_t sum = std::accumulate(std::begin(histogram.buckets), std::end(histogram.buckets), uint64_t{0});
    EXPECT_EQ(sum, histogram.count);
  }
}

TEST_F(WorkersStatisticsTest, TellHowLongCallsWaitedAndRan) {
  make_pool(1);
  occupy_worker();
  submit([] {
    std::this_thread::sleep_for(5ms);
    return true;
  });
  std::this_thread::sleep_for(5ms);
  gate.open();
  collect_and_free(2);
  const OPENSSL_WORKERS_STATISTICS now = statistics();
  EXPECT_GE(now.wait.sum_microseconds, 5'000u) << "the second waited for the first";
  EXPECT_GE(now.run.sum_microseconds, 10'000u);
  for (int i = 0; i <= 12; i++) EXPECT_EQ(now.run.buckets[i], 0u) << "below 4096 microseconds";
}

TEST_F(WorkersStatisticsTest, KnowACallThatHasBeenCollected) {
  make_pool(2);
  for (unsigned i = 1; i <= 200; i++) {
    submit(yes);
    collect_and_free(1);
    const OPENSSL_WORKERS_STATISTICS now = statistics();
    ASSERT_EQ(now.done, i);
    ASSERT_EQ(now.running, 0u);
  }
}

TEST_F(WorkersStatisticsTest, FillNoMoreThanTheCallerHas) {
  make_pool(1);
  OPENSSL_WORKERS_STATISTICS out = {};
  out.size = offsetof(OPENSSL_WORKERS_STATISTICS, queued);
  out.queued = 4711;
  EXPECT_EQ(openssl_workersStatistics(pool, &out), 1);
  EXPECT_EQ(out.threads, 1u);
  EXPECT_EQ(out.queued, 4711u);
  EXPECT_EQ(out.size, offsetof(OPENSSL_WORKERS_STATISTICS, queued));
  out.size = 1;
  EXPECT_EQ(openssl_workersStatistics(pool, &out), 0);
}

}  // namespace
}  // namespace openssl_event::testing
