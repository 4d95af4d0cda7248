// Stacks: they park, move, are bounded and guarded, and keep no secrets.
#include "openssl_event/fiber.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

#include "openssl_event/openssl_event.h"

namespace openssl_event {
namespace {

using Outcome = Fiber::Outcome;

struct Counter {
  Fiber* fiber;
  int count = 0;
};

void count_thrice(void* argument) {
  auto* counter = static_cast<Counter*>(argument);
  for (int i = 0; i < 3; ++i) {
    counter->count++;
    counter->fiber->park();
  }
}

void return_at_once(void*) {}

[[gnu::noinline]] int use_stack(std::size_t depth) {
  volatile char block[1024];
  std::memset(const_cast<char*>(block), 1, sizeof block);
  return depth == 0 ? block[0] : use_stack(depth - 1) + block[depth % sizeof block];
}

class FiberTest : public ::testing::Test {
 protected:
  ~FiberTest() override { openssl_setStackLimit(30000); }
};

TEST_F(FiberTest, ParksAndGoesOn) {
  Counter counter{Fiber::take()};
  EXPECT_EQ(counter.fiber->run(count_thrice, &counter), Outcome::parked);
  EXPECT_EQ(counter.fiber->resume(), Outcome::parked);
  EXPECT_EQ(counter.fiber->resume(), Outcome::parked);
  EXPECT_EQ(counter.count, 3);
  EXPECT_EQ(counter.fiber->resume(), Outcome::finished);
  counter.fiber->give_back(false);
}

TEST_F(FiberTest, IsUsedAgain) {
  const unsigned before = Fiber::count();
  for (int i = 0; i < 1000; ++i) {
    Fiber* fiber = Fiber::take();
    EXPECT_EQ(fiber->run(return_at_once, nullptr), Outcome::finished);
    fiber->give_back(i % 2);
  }
  EXPECT_LE(Fiber::count(), before + 1);
}

TEST_F(FiberTest, GoesOnInAnotherThread) {
  Counter counter{Fiber::take()};
  counter.fiber->run(count_thrice, &counter);
  for (int i = 0; i < 3; ++i) std::thread([&] { counter.fiber->resume(); }).join();
  EXPECT_EQ(counter.count, 3);
  counter.fiber->give_back(true);
}

TEST_F(FiberTest, ManyParkAtOnce) {
  constexpr int kFibers = 1000;
  std::vector<Counter> counters(kFibers);
  for (Counter& counter : counters) {
    counter.fiber = Fiber::take();
    ASSERT_NE(counter.fiber, nullptr);
    counter.fiber->run(count_thrice, &counter);
  }
  EXPECT_GE(openssl_stacks(), static_cast<unsigned>(kFibers));
  for (Counter& counter : counters) {
    while (counter.fiber->resume() == Outcome::parked) {
    }
    EXPECT_EQ(counter.count, 3);
    counter.fiber->give_back(true);
  }
}

TEST_F(FiberTest, NoMoreThanTheLimit) {
  std::vector<Fiber*> fibers;
  openssl_setStackLimit(openssl_stacks() + 2);
  while (Fiber* fiber = Fiber::take()) fibers.push_back(fiber);
  EXPECT_EQ(openssl_stacks(), fibers.size());
  for (Fiber* fiber : fibers) {
    fiber->run(return_at_once, nullptr);
    fiber->give_back(false);
  }
  Fiber* again = Fiber::take();
  ASSERT_NE(again, nullptr);
  again->give_back(false);
}

// A thread that ends gives the stacks that it kept to the others.
TEST_F(FiberTest, ThreadsLeaveTheirStacksToOthers) {
  std::thread([] {
    Fiber* fiber = Fiber::take();
    fiber->run(return_at_once, nullptr);
    fiber->give_back(false);
  }).join();
  const unsigned existing = openssl_stacks();
  std::vector<Fiber*> fibers;
  for (unsigned i = 0; i < existing; ++i) fibers.push_back(Fiber::take());
  EXPECT_EQ(openssl_stacks(), existing);
  for (Fiber* fiber : fibers) {
    fiber->run(return_at_once, nullptr);
    fiber->give_back(false);
  }
}

TEST_F(FiberTest, HoldsDeepCalls) {
  Fiber* fiber = Fiber::take();
  int result = 0;
  fiber->run([](void* out) { *static_cast<int*>(out) = use_stack(180); }, &result);
  EXPECT_EQ(result, 181);
  fiber->give_back(true);
}

using FiberDeathTest = FiberTest;

TEST_F(FiberDeathTest, OverflowMeetsTheGuardPage) {
  EXPECT_DEATH(
      {
        Fiber* fiber = Fiber::take();
        fiber->run([](void*) { use_stack(100000); }, nullptr);
      },
      "");
}

constexpr std::size_t kSecret = 4000;

[[gnu::noinline]] char* leave_a_secret() {
  char secret[kSecret];
  std::memset(secret, 'S', sizeof secret);
  char* volatile where = secret;
  asm volatile("" : : "r"(secret) : "memory");
  return where;
}

[[gnu::noinline]] void leave_it_deeper(void* where) {
  char room[2048];
  asm volatile("" : : "r"(room) : "memory");
  *static_cast<char**>(where) = leave_a_secret();
}

// Reads what another stack left behind, which only memory that is mapped still, and no sanitizer's, allows.
#if !defined(__SANITIZE_ADDRESS__)
TEST_F(FiberTest, SecretsAreWiped) {
  char* where = nullptr;
  Fiber* fiber = Fiber::take();
  fiber->run(leave_it_deeper, &where);
  ASSERT_EQ(where[kSecret / 2], 'S');
  fiber->give_back(true);
  for (std::size_t i = 0; i < kSecret; ++i) ASSERT_NE(where[i], 'S') << i;
}
#endif

}  // namespace
}  // namespace openssl_event
