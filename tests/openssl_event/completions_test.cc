// The completion queue: posts from any thread, one that collects, and a descriptor that says when.
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "openssl_event/openssl_event.h"
#include "tests/support/completion_queue.h"
#include "tests/support/fake_call.h"

namespace {

// What another thread does just before the queue reads or writes its descriptor: once.
std::function<void()> before_read, before_write;

void run_once(std::function<void()>& what) {
  if (what) std::exchange(what, nullptr)();
}

}  // namespace

// In front of libc's.
extern "C" ssize_t read(int fd, void* buf, size_t len) {
  run_once(before_read);
  return syscall(SYS_read, fd, buf, len);
}
extern "C" ssize_t write(int fd, const void* buf, size_t len) {
  run_once(before_write);
  return syscall(SYS_write, fd, buf, len);
}

namespace openssl_event::testing {
namespace {

bool yes() { return true; }

class CompletionsTest : public ::testing::Test {
 protected:
  void TearDown() override {
    openssl_freeCompletions(queue);
    EXPECT_EQ(fake_calls(), 0);
  }
  OPENSSL_EVENT* post(std::size_t number = 0) {
    OPENSSL_EVENT* e = make_fake_call(yes, openssl_defaultEngine(), reinterpret_cast<void*>(number));
    openssl_postCompletion(queue, e);
    return e;
  }
  // Collects one event; false: there was none.
  bool collect_one() {
    OPENSSL_EVENT* e = openssl_collectCompletion(queue);
    if (e) openssl_returnEvent(e);
    return e;
  }
  void expect(OPENSSL_EVENT* expected) {
    EXPECT_EQ(openssl_collectCompletion(queue), expected);
    openssl_returnEvent(expected);
  }

  openssl_completions_t* queue = openssl_newCompletions();
};

TEST_F(CompletionsTest, HasNothingAtFirst) {
  EXPECT_FALSE(collect_one());
  EXPECT_FALSE(readable(queue));
}

TEST_F(CompletionsTest, GivesTheOldestFirst) {
  OPENSSL_EVENT* a = post();
  OPENSSL_EVENT* b = post();
  expect(a);
  OPENSSL_EVENT* c = post();
  expect(b);
  expect(c);
  EXPECT_FALSE(collect_one());
}

// Every sequence of 12 posts and collects, so that the descriptor is seen after each mixture of taken and posted lists.
TEST_F(CompletionsTest, DescriptorIsReadableExactlyWhileSomethingIsToBeCollected) {
  for (unsigned sequence = 0; sequence < 4096; sequence++) {
    int held = 0;
    for (unsigned step = 0; step < 12; step++) {
      if (sequence >> step & 1)
        post(), held++;
      else if (collect_one())
        held--;
      ASSERT_EQ(readable(queue), held > 0) << "sequence " << sequence << " step " << step;
    }
    while (held-- > 0) ASSERT_TRUE(collect_one());
    ASSERT_FALSE(readable(queue));
  }
}

TEST_F(CompletionsTest, StaysReadableForAPostThatComesWhileTheLastEventIsTaken) {
  post();
  before_read = [this] { post(); };
  EXPECT_TRUE(collect_one());
  EXPECT_TRUE(readable(queue));
  EXPECT_TRUE(collect_one());
  EXPECT_FALSE(readable(queue));
}

TEST_F(CompletionsTest, IsReadableOnceMoreAtMostWhenAnEventIsCollectedBeforeItsPostHasEnded) {
  before_write = [this] { EXPECT_TRUE(collect_one()); };
  post();
  EXPECT_TRUE(readable(queue));
  EXPECT_FALSE(collect_one());
  EXPECT_FALSE(readable(queue));
}

TEST_F(CompletionsTest, APostThatEndsLateHidesNoOther) {
  before_write = [this] {
    EXPECT_TRUE(collect_one());
    post();
  };
  post();
  EXPECT_TRUE(readable(queue));
  EXPECT_TRUE(collect_one());
  EXPECT_FALSE(readable(queue));
}

TEST_F(CompletionsTest, TakesAnEventAgainAfterItWasCollected) {
  OPENSSL_EVENT* e = post();
  for (int i = 0; i < 3; i++) {
    EXPECT_EQ(openssl_collectCompletion(queue), e);
    openssl_postCompletion(queue, e);
  }
  expect(e);
}

TEST_F(CompletionsTest, ReturnsWhatIsLeftWhenItIsFreed) {
  for (int i = 0; i < 3; i++) cancel_fake_call(post());
}

TEST_F(CompletionsTest, FreeOfNothingIsIgnored) { openssl_freeCompletions(nullptr); }

// Each poster's events arrive in its order, none twice, none lost, and a collector that sleeps on the descriptor,
// taking one event per wake-up, never sleeps for good.
TEST_F(CompletionsTest, ManyPostersLoseNothingAndTheCollectorAlwaysWakes) {
  constexpr std::size_t kPosters = 4, kEach = 5000;
  std::vector<std::thread> posters;
  for (std::size_t p = 0; p < kPosters; p++)
    posters.emplace_back([this, p] {
      for (std::size_t i = 0; i < kEach; i++) post(p * kEach + i);
    });
  std::size_t next[kPosters] = {};
  for (std::size_t n = 0; n < kPosters * kEach;) {
    ASSERT_TRUE(readable(queue, kLongEnough)) << "asleep with " << n << " events collected";
    OPENSSL_EVENT* e = openssl_collectCompletion(queue);
    if (!e) continue;  // its post had ended late
    const auto number = reinterpret_cast<std::size_t>(e->e.user);
    ASSERT_EQ(number % kEach, next[number / kEach]++);
    openssl_returnEvent(e);
    n++;
  }
  for (std::thread& poster : posters) poster.join();
  EXPECT_FALSE(collect_one());
  EXPECT_FALSE(readable(queue));
}

}  // namespace
}  // namespace openssl_event::testing
