// A pool, a completion queue, and verbs for tests of both.
#ifndef TESTS_ENGINE_WORKERS_POOL_FIXTURE_H
#define TESTS_ENGINE_WORKERS_POOL_FIXTURE_H

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <unistd.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <utility>

#include "engine_workers/engine_workers.h"
#include "tests/support/completion_queue.h"
#include "tests/support/fake_call.h"

namespace openssl_event::testing {

// Holds threads back until it is opened, and tells how many it holds.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    waiting_++;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    waiting_--;
  }
  void wait_for_waiting(int n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= n; });
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

// The text of the newest entry of this thread's error queue, which it empties.
inline std::string last_error() {
  const char* data = nullptr;
  int flags = 0;
  const bool any = ERR_peek_last_error_all(nullptr, nullptr, nullptr, &data, &flags) != 0;
  const std::string text = any && data ? data : "";
  ERR_clear_error();
  return text;
}

class PoolTest : public ::testing::Test {
 protected:
  void SetUp() override { completions = openssl_newCompletions(); }
  void TearDown() override {
    gate.open();
    openssl_freeWorkers(pool);
    while (OPENSSL_EVENT* e = openssl_collectCompletion(completions)) openssl_returnEvent(e);
    openssl_freeCompletions(completions);
    EXPECT_EQ(fake_calls(), 0);
  }

  void make_pool(unsigned threads, unsigned queue_length = 0) {
    OPENSSL_WORKERS_CONFIG config = {};
    config.size = sizeof config;
    config.threads = threads;
    config.queue_length = queue_length;
    pool = openssl_newWorkers(&config);
    ASSERT_NE(pool, nullptr) << last_error();
  }

  bool submit(OPENSSL_EVENT* call) { return openssl_submitCall(pool, call, completions) == 1; }
  OPENSSL_EVENT* submit(std::function<bool()> body) {
    OPENSSL_EVENT* call = make_fake_call(std::move(body));
    EXPECT_TRUE(submit(call));
    return call;
  }
  // A call that keeps its worker busy until the gate opens; returns when it does.
  OPENSSL_EVENT* occupy_worker() {
    OPENSSL_EVENT* call = submit([this] {
      gate.pass();
      return true;
    });
    gate.wait_for_waiting(++occupied);
    return call;
  }
  OPENSSL_EVENT* collect_one() {
    OPENSSL_EVENT* e = collect(completions);
    EXPECT_NE(e, nullptr) << "nothing came back";
    return e;
  }
  void collect_and_free(int n) {
    while (n-- > 0) openssl_returnEvent(collect_one());
  }
  OPENSSL_WORKERS_STATISTICS statistics() {
    OPENSSL_WORKERS_STATISTICS out = {};
    out.size = sizeof out;
    EXPECT_EQ(openssl_workersStatistics(pool, &out), 1);
    return out;
  }

  openssl_workers_t* pool = nullptr;
  openssl_completions_t* completions = nullptr;
  Gate gate;
  int occupied = 0;
};

inline bool yes() { return true; }

}  // namespace openssl_event::testing

#endif
