// How the threads of a pool are made: number, names, processors, signals, and what happens when they cannot be.
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "tests/engine_workers/pool_fixture.h"

namespace openssl_event::testing {
namespace {

int threads_of_this_process() {
  return static_cast<int>(std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}));
}

std::vector<int> usable_processors() {
  cpu_set_t set;
  sched_getaffinity(0, sizeof set, &set);
  std::vector<int> cpus;
  for (int i = 0; i < CPU_SETSIZE; i++)
    if (CPU_ISSET(i, &set)) cpus.push_back(i);
  return cpus;
}

class WorkerThreadsTest : public PoolTest {
 protected:
  WorkerThreadsTest() { config.size = sizeof config; }
  openssl_workers_t* make() { return pool = openssl_newWorkers(&config); }

  // Runs `body` on every thread of the pool at the same time.
  void on_each_thread(unsigned threads, std::function<void()> body) {
    for (unsigned i = 0; i < threads; i++)
      submit([this, body] {
        body();
        gate.pass();
        return true;
      });
    gate.wait_for_waiting(static_cast<int>(threads));
    gate.open();
    collect_and_free(static_cast<int>(threads));
  }
  std::set<std::string> names(unsigned threads) {
    std::mutex mutex;
    std::set<std::string> found;
    on_each_thread(threads, [&] {
      char name[16];
      pthread_getname_np(pthread_self(), name, sizeof name);
      std::lock_guard lock(mutex);
      found.insert(name);
    });
    return found;
  }

  OPENSSL_WORKERS_CONFIG config = {};
};

TEST_F(WorkerThreadsTest, AreNamedAsAsked) {
  config.threads = 3;
  config.name = "signer";
  ASSERT_TRUE(make());
  EXPECT_EQ(names(3), (std::set<std::string>{"signer-0", "signer-1", "signer-2"}));
}

TEST_F(WorkerThreadsTest, KeepTheirNumberWhenTheNameIsTooLong) {
  config.threads = 11;
  config.name = "certificate-signers";
  ASSERT_TRUE(make());
  const std::set<std::string> found = names(11);
  EXPECT_EQ(found.size(), 11u);
  EXPECT_TRUE(found.contains("certificate-s-0"));
  EXPECT_TRUE(found.contains("certificate--10"));
}

TEST_F(WorkerThreadsTest, RunOnTheProcessorsAsked) {
  const int last = usable_processors().back();
  config.cpus = &last;
  config.cpu_count = 1;
  config.threads = 2;
  ASSERT_TRUE(make()) << last_error();
  on_each_thread(2, [last] {
    EXPECT_EQ(usable_processors(), std::vector<int>{last});
    EXPECT_EQ(sched_getcpu(), last);
  });
}

TEST_F(WorkerThreadsTest, AreAsNiceAsAsked) {
  const int own = getpriority(PRIO_PROCESS, 0);
  config.threads = 2;
  config.nice = 3;
  ASSERT_TRUE(make());
  on_each_thread(2, [own] { EXPECT_EQ(getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())), std::min(own + 3, 19)); });
  EXPECT_EQ(getpriority(PRIO_PROCESS, 0), own);
}

TEST_F(WorkerThreadsTest, AreNoNicerThanCanBe) {
  config.nice = 20;
  EXPECT_FALSE(make());
}

TEST_F(WorkerThreadsTest, BlockSignalsButThoseOfTheirOwnMaking) {
  config.threads = 1;
  ASSERT_TRUE(make());
  on_each_thread(1, [] {
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGPIPE, SIGUSR1}) EXPECT_EQ(sigismember(&blocked, signal), 1);
    for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) EXPECT_EQ(sigismember(&blocked, signal), 0);
  });
}

TEST_F(WorkerThreadsTest, LeaveTheSignalsOfTheirMakerAlone) {
  sigset_t before, after;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  ASSERT_TRUE(make());
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (int signal = 1; signal < 32; signal++) EXPECT_EQ(sigismember(&before, signal), sigismember(&after, signal));
}

TEST_F(WorkerThreadsTest, AreOnePerUsableProcessorByDefault) {
  pool = openssl_newWorkers(nullptr);
  ASSERT_TRUE(pool);
  EXPECT_EQ(statistics().threads, usable_processors().size());
}

TEST_F(WorkerThreadsTest, AreOnePerProcessorAskedByDefault) {
  const int first = usable_processors().front();
  const int twice[] = {first, first};
  config.cpus = twice;
  config.cpu_count = 2;
  ASSERT_TRUE(make());
  EXPECT_EQ(statistics().threads, 1u);
}

TEST_F(WorkerThreadsTest, EndWithThePool) {
  const int before = threads_of_this_process();
  config.threads = 5;
  ASSERT_TRUE(make());
  EXPECT_EQ(threads_of_this_process(), before + 5);
  openssl_freeWorkers(std::exchange(pool, nullptr));
  EXPECT_EQ(threads_of_this_process(), before);
}

TEST_F(WorkerThreadsTest, CannotBeStartedOnAProcessorThatDoesNotExist) {
  const int before = threads_of_this_process();
  const int cpu = CPU_SETSIZE - 1;
  config.cpus = &cpu;
  config.cpu_count = 1;
  EXPECT_FALSE(make());
  EXPECT_EQ(last_error(), "cannot start engine worker 1 of 1");
  EXPECT_EQ(threads_of_this_process(), before);
}

TEST_F(WorkerThreadsTest, AreNotMadeFromAConfigurationThatCannotBe) {
  for (int cpu : {-1, CPU_SETSIZE}) {
    config.cpus = &cpu;
    config.cpu_count = 1;
    EXPECT_FALSE(make());
    EXPECT_NE(last_error(), "");
  }
  config.cpus = nullptr;
  EXPECT_FALSE(make());
  config.cpu_count = 0;
  config.queue_length = OPENSSL_WORKERS_MAX_QUEUE + 1;
  EXPECT_FALSE(make());
  config.queue_length = OPENSSL_WORKERS_MAX_QUEUE;
  config.size = 0;
  EXPECT_FALSE(make());
  config.size = sizeof config;
  EXPECT_TRUE(make()) << last_error();
}

TEST_F(WorkerThreadsTest, AreMadeFromTheConfigurationsOfOtherVersions) {
  struct {
    OPENSSL_WORKERS_CONFIG known;
    int field_of_the_future;
  } newer = {};
  newer.known.size = sizeof newer;
  newer.known.threads = 1;
  newer.field_of_the_future = 1;
  EXPECT_EQ(openssl_newWorkers(&newer.known), nullptr);
  newer.field_of_the_future = 0;
  pool = openssl_newWorkers(&newer.known);
  EXPECT_EQ(statistics().threads, 1u);
  openssl_freeWorkers(pool);

  config.size = offsetof(OPENSSL_WORKERS_CONFIG, queue_length);
  config.threads = 2;
  config.queue_length = OPENSSL_WORKERS_MAX_QUEUE + 1;  // beyond size: not there
  EXPECT_TRUE(make());
}

bool names_this_thread(OPENSSL_EVENT* call) {
  call->e.engine->call(call);
  const bool named = call->e.thread == static_cast<unsigned long>(gettid());
  openssl_returnEvent(call);
  return named;
}

TEST_F(WorkerThreadsTest, AForkedChildsThreadIsToldFromItsParents) {
  EXPECT_TRUE(names_this_thread(make_fake_call(yes)));
  const pid_t child = fork();
  if (child == 0) _exit(names_this_thread(make_fake_call(yes)) ? 0 : 1);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

// Address space for a few stacks only. The sanitizers need more of it than any such limit.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
bool fails_cleanly_when_the_system_has_few_threads() {
  const rlimit limit = {512 << 20, 512 << 20};
  if (setrlimit(RLIMIT_AS, &limit) != 0) return false;
  OPENSSL_WORKERS_CONFIG config = {};
  config.size = sizeof config;
  config.threads = 2000;
  return !openssl_newWorkers(&config) && last_error().find("of 2000") != std::string::npos &&
         threads_of_this_process() == 1;
}

TEST_F(WorkerThreadsTest, AreAllEndedWhenOneOfThemCannotBeStarted) {
  const pid_t child = fork();
  if (child == 0) _exit(fails_cleanly_when_the_system_has_few_threads() ? 0 : 1);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}
#endif

}  // namespace
}  // namespace openssl_event::testing
