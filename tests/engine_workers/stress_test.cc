// Many loops, many workers, a queue that is often full, engines that misbehave, connections that end meanwhile.
#include <array>
#include <atomic>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/engine_workers/pool_fixture.h"

namespace openssl_event::testing {
namespace {

constexpr int kLoops = 6;
constexpr int kCallsPerLoop = 3000;

// Counts executions in the memory that e->e.user names, and ends in one of the ways that an engine may.
int erratic(OPENSSL_EVENT* e) {
  auto* executions = static_cast<std::atomic<int>*>(e->e.user);
  executions->fetch_add(1, std::memory_order_relaxed);
  switch (reinterpret_cast<uintptr_t>(executions) / sizeof *executions % 5) {
    case 0: throw std::runtime_error("erratic");
    case 1: return 0;
    case 2: return openssl_failCall(e, "erratic");
    case 3: return openssl_decline(e);
    default: return openssl_completeCall(e);
  }
}

constexpr OPENSSL_ENGINE kErratic = {sizeof(OPENSSL_ENGINE), "erratic", erratic, nullptr, nullptr};

// An event loop: submits, executes in place what is refused, cancels some, and collects.
class Loop {
 public:
  explicit Loop(openssl_workers_t* pool, unsigned seed) : pool_(pool), random_(seed) {}
  ~Loop() { openssl_freeCompletions(completions_); }

  void run() {
    for (int i = 0; i < kCallsPerLoop; i++) {
      submit(executions_[static_cast<std::size_t>(i)]);
      while (OPENSSL_EVENT* e = openssl_collectCompletion(completions_)) take(e);
    }
    while (out_ > 0) {
      OPENSSL_EVENT* e = collect(completions_);
      ASSERT_NE(e, nullptr) << out_ << " calls did not come back";
      take(e);
    }
    EXPECT_EQ(openssl_collectCompletion(completions_), nullptr);
  }

  int submitted() const { return submitted_; }
  int refused() const { return refused_; }
  int unexecuted() const { return unexecuted_; }

 private:
  void submit(std::atomic<int>& executions) {
    OPENSSL_EVENT* e = make_fake_call(yes, &kErratic, &executions);
    if (!openssl_submitCall(pool_, e, completions_)) {
      refused_++;
      openssl_returnEvent(e);
      return;
    }
    submitted_++;
    out_++;
    held_[random_() % held_.size()] = e;
    OPENSSL_EVENT*& victim = held_[random_() % held_.size()];
    if (victim && random_() % 4 == 0) {
      cancel_fake_call(victim);
      victim = nullptr;
    }
  }
  void take(OPENSSL_EVENT* e) {
    for (OPENSSL_EVENT*& held : held_)
      if (held == e) held = nullptr;
    const int executions = static_cast<std::atomic<int>*>(e->e.user)->load();
    EXPECT_LE(executions, 1);
    if (executions == 0) unexecuted_++;
    EXPECT_EQ(e->kind == OPENSSL_ENGINE_CALL_OUT_KIND, executions == 0);
    EXPECT_TRUE(executions == 1 || openssl_isCancelled(e));
    out_--;
    openssl_returnEvent(e);
  }

  openssl_workers_t* pool_;
  openssl_completions_t* completions_ = openssl_newCompletions();
  std::minstd_rand random_;
  std::array<std::atomic<int>, kCallsPerLoop> executions_{};
  std::array<OPENSSL_EVENT*, 16> held_{};  // out, and not cancelled: may be cancelled while out
  int out_ = 0, submitted_ = 0, refused_ = 0, unexecuted_ = 0;
};

using StressTest = PoolTest;

TEST_F(StressTest, EveryCallComesBackOnceToItsLoop) {
  make_pool(4, 64);
  std::vector<std::unique_ptr<Loop>> loops;
  for (unsigned i = 0; i < kLoops; i++) loops.push_back(std::make_unique<Loop>(pool, i + 1));
  std::vector<std::thread> threads;
  for (auto& loop : loops) threads.emplace_back([&loop] { loop->run(); });
  std::atomic<bool> over{false};
  std::thread reader([&] {
    while (!over) {
      const OPENSSL_WORKERS_STATISTICS now = statistics();
      EXPECT_LE(now.queued, 64u);
      EXPECT_LE(now.running, 4u);
      std::this_thread::yield();
    }
  });
  for (std::thread& thread : threads) thread.join();
  over = true;
  reader.join();
  EXPECT_EQ(openssl_drainWorkers(pool), 1);

  uint64_t submitted = 0, refused = 0, unexecuted = 0;
  for (const auto& loop : loops) {
    submitted += static_cast<uint64_t>(loop->submitted());
    refused += static_cast<uint64_t>(loop->refused());
    unexecuted += static_cast<uint64_t>(loop->unexecuted());
  }
  const OPENSSL_WORKERS_STATISTICS now = statistics();
  EXPECT_EQ(now.done + now.failed + now.cancelled, submitted);
  EXPECT_EQ(now.refused, refused);
  EXPECT_EQ(now.cancelled, unexecuted);
  EXPECT_EQ(now.run.count, submitted - unexecuted);
  EXPECT_EQ(now.queued + now.running, 0u);
}

// Pools that end while loops still have calls in them.
TEST_F(StressTest, EveryCallComesBackFromPoolsThatEndEarly) {
  for (int round = 0; round < 100; round++) {
    make_pool(3, 32);
    std::atomic<int> submitted{0};
    std::vector<std::thread> submitters;
    for (int s = 0; s < 3; s++)
      submitters.emplace_back([&] {
        for (int i = 0; i < 20; i++) {
          OPENSSL_EVENT* e = make_fake_call(yes);
          if (submit(e))
            submitted++;
          else
            openssl_returnEvent(e);
        }
      });
    for (std::thread& submitter : submitters) submitter.join();
    openssl_freeWorkers(std::exchange(pool, nullptr));
    for (int i = 0; i < submitted; i++) {
      OPENSSL_EVENT* e = openssl_collectCompletion(completions);
      ASSERT_NE(e, nullptr);
      EXPECT_EQ(e->kind, OPENSSL_ENGINE_CALL_IN_KIND);
      openssl_returnEvent(e);
    }
    ASSERT_EQ(openssl_collectCompletion(completions), nullptr);
  }
}

}  // namespace
}  // namespace openssl_event::testing
