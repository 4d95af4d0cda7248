// 5,000 handshakes, of which many wait at once for a store that takes 50 ms and answers on threads of its own.
#include <chrono>
#include <condition_variable>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include <poll.h>

#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

constexpr int kHandshakes = 5000;
constexpr std::size_t kAtOnce = 1000;
constexpr auto kStoreTakes = std::chrono::milliseconds(50);

// Answers each lookup 50 ms after it was asked.
class SlowStore {
 public:
  explicit SlowStore(openssl_completions_t* completions) : completions_(completions), thread_([this] { run(); }) {}
  ~SlowStore() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    wakes_.notify_one();
    thread_.join();
  }
  void ask(OPENSSL_EVENT* e) {
    {
      const std::lock_guard lock(mutex_);
      questions_.push_back({Clock::now() + kStoreTakes, e});
    }
    wakes_.notify_one();
  }

 private:
  using Clock = std::chrono::steady_clock;
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wakes_.wait(lock, [this] { return ending_ || !questions_.empty(); });
      if (questions_.empty()) return;
      const auto [due, e] = questions_.front();
      questions_.pop_front();
      lock.unlock();
      std::this_thread::sleep_until(due);
      openssl_answerNone(e);
      openssl_postCompletion(completions_, e);
      lock.lock();
    }
  }

  openssl_completions_t* const completions_;
  std::mutex mutex_;
  std::condition_variable wakes_;
  std::deque<std::pair<Clock::time_point, OPENSSL_EVENT*>> questions_;
  bool ending_ = false;
  std::thread thread_;
};

struct Connection {
  std::unique_ptr<PlainEnd> client;
  std::unique_ptr<MachineEnd> server;
  std::list<Connection>::iterator place;
};

struct FreeCompletions {
  void operator()(openssl_completions_t* completions) const { openssl_freeCompletions(completions); }
};

// Each one asks about its certificate, waits, and finishes; the thread that serves them never waits for one.
TEST(Storm, OfHandshakesThatWaitForAStoreFinishes) {
  Pair pair;
  ASSERT_EQ(openssl_setLookups(pair.server_context.get(), OPENSSL_LOOKUP_CERTIFICATE), 1);
  const std::unique_ptr<openssl_completions_t, FreeCompletions> completions(openssl_newCompletions());
  std::list<Connection> open;
  int begun = 0, finished = 0;
  std::size_t most_waiting = 0;
  SlowStore store(completions.get());

  while (finished < kHandshakes) {
    while (begun < kHandshakes && open.size() < kAtOnce) {
      Connection& c = open.emplace_back(Connection{pair.plain_client(), pair.machine_server(), {}});
      c.place = std::prev(open.end());
      c.server->keep_lookups = true;
      openssl_setUser(c.server->tls(), &c);
      carry(*c.client, *c.server);
      ASSERT_EQ(c.server->lookups.size(), 1u);
      OPENSSL_EVENT* question = c.server->lookups.front();
      c.server->lookups.clear();
      store.ask(question);
      ++begun;
    }
    most_waiting = std::max(most_waiting, open.size());
    pollfd readable = {openssl_completionFd(completions.get()), POLLIN, 0};
    ASSERT_EQ(poll(&readable, 1, -1), 1);
    while (OPENSSL_EVENT* e = openssl_collectCompletion(completions.get())) {
      auto& c = *static_cast<Connection*>(e->l.user);
      openssl_returnEvent(e);
      carry(*c.client, *c.server);
      ASSERT_TRUE(c.client->established() && c.server->established());
      open.erase(c.place);
      ++finished;
    }
  }
  EXPECT_GT(most_waiting, kAtOnce / 2);
}

}  // namespace
}  // namespace openssl_event::testing
