// Stacks: they park, move, are bounded and guarded, and keep no secrets.
#include "openssl_event/fiber.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
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

void use_a_stack() {
  Fiber* fiber = Fiber::take();
  ASSERT_NE(fiber, nullptr);
  fiber->run(return_at_once, nullptr);
  fiber->give_back(false);
}

// The destructor of a thread_local that is older than ours runs after it.
TEST_F(FiberTest, AThreadThatIsEndingUsesStacksAndKeepsNone) {
  struct Late {
    bool awaited = false;
    ~Late() {
      for (int i = 0; i < 3; ++i) use_a_stack();
    }
  };
  std::thread([] {
    thread_local Late late;
    late.awaited = true;
    use_a_stack();
  }).join();
  const unsigned existing = openssl_stacks();
  std::vector<Fiber*> fibers;
  for (unsigned i = 0; i < existing; ++i) fibers.push_back(Fiber::take());
  EXPECT_EQ(openssl_stacks(), existing);
  EXPECT_EQ(std::set<Fiber*>(fibers.begin(), fibers.end()).size(), fibers.size());
  for (Fiber* fiber : fibers) fiber->give_back(false);
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

// On the true stack, not on one of AddressSanitizer's for functions that have returned.
[[gnu::noinline, gnu::no_sanitize_address]] volatile char* leave_a_secret() {
  volatile char secret[kSecret];
  for (volatile char& byte : secret) byte = 'S';
  volatile char* volatile where = secret;
  return where;
}

[[gnu::noinline, gnu::no_sanitize_address]] void leave_it_deeper(void* where) {
  [[maybe_unused]] volatile char room[2048];
  room[0] = 0;
  *static_cast<volatile char**>(where) = leave_a_secret();
}

[[gnu::noinline, gnu::no_sanitize_address]] std::size_t count_secret_bytes(const volatile char* where) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < kSecret; ++i) count += where[i] == 'S';
  return count;
}

TEST_F(FiberTest, SecretsAreWiped) {
  volatile char* where = nullptr;
  Fiber* fiber = Fiber::take();
  fiber->run(leave_it_deeper, &where);
  EXPECT_GT(count_secret_bytes(where), kSecret / 2);
  fiber->give_back(true);
  EXPECT_EQ(count_secret_bytes(where), 0u);
}

// They are more than keep their memory.
TEST_F(FiberTest, SecretsOfManyAreWiped) {
  constexpr std::size_t kFibers = 200;
  std::vector<Fiber*> fibers(kFibers);
  std::vector<volatile char*> where(kFibers);
  for (std::size_t i = 0; i < kFibers; ++i) {
    fibers[i] = Fiber::take();
    fibers[i]->run(leave_it_deeper, &where[i]);
  }
  for (Fiber* fiber : fibers) fiber->give_back(true);
  for (volatile char* secret : where) EXPECT_EQ(count_secret_bytes(secret), 0u);
}

[[gnu::noinline, gnu::no_sanitize_address]] void leave_it_below_a_hole(void* where) {
  [[maybe_unused]] volatile char hole[100 * 1024];
  hole[0] = 0;
  *static_cast<volatile char**>(where) = leave_a_secret();
}

// In the pool a stack may lie for long, so what looking misses is wiped as well.
TEST_F(FiberTest, AThreadThatEndsLeavesNoSecretBelowAHole) {
  volatile char* where = nullptr;
  std::size_t left_by_use = 0;
  std::vector<Fiber*> others;  // they leave room in the pool
  std::thread([&] {
    const unsigned existing = openssl_stacks();
    Fiber* fresh = Fiber::take();
    for (; openssl_stacks() == existing; fresh = Fiber::take()) others.push_back(fresh);
    fresh->run(leave_it_below_a_hole, &where);
    fresh->give_back(true);
    left_by_use = count_secret_bytes(where);
  }).join();
  EXPECT_GT(left_by_use, kSecret / 2) << "the hole was none, so this shows nothing";
  EXPECT_EQ(count_secret_bytes(where), 0u);
  for (Fiber* fiber : others) fiber->give_back(false);
}

}  // namespace
}  // namespace openssl_event
