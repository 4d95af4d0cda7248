#include "compat/pool.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <pthread.h>

#include <atomic>
#include <cstdlib>

#include "compat/pending_call.h"
#include "compat/report.h"
#include "compat/settings.h"
#include "compat/statistics.h"

namespace openssl_event::compat {
namespace {

struct Pool {
  openssl_workers_t* workers = nullptr;
  openssl_completions_t* ends = nullptr;
};

// Submitting takes it shared, starting and ending exclusively. Plain pthread locks: they have no destructor to run at exit
// while a thread still uses them, and a forked child can make them anew.
pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
// Workers hold it shared while they execute, a fork exclusively: else a child would inherit locks of libcrypto's, such as a
// key's, that a thread holds which the child has not. Nobody but workers takes it shared, so that no signal handler that
// forks can find its own thread with it.
pthread_rwlock_t executing = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

Pool pool;
OPENSSL_WORKERS_STATISTICS last_numbers;  // of a pool that has ended, if `size` is not 0
std::atomic<bool> exiting{false};
std::atomic<unsigned> generation{0};

void before_fork() noexcept { pthread_rwlock_wrlock(&executing); }
void after_fork_in_parent() noexcept { pthread_rwlock_unlock(&executing); }

void after_fork_in_child() noexcept {
  lock = PTHREAD_RWLOCK_INITIALIZER;
  executing = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
  pool = {};  // the parent's, whose threads are not here; never freed
  last_numbers.size = 0;
  generation.fetch_add(1, std::memory_order_relaxed);
  reset_statistics();
  report_after_fork();
}

// Comes before OPENSSL_cleanup, after which a worker would use what has been freed.
void at_exit() noexcept {
  exiting = true;
  pthread_rwlock_wrlock(&lock);
  openssl_workers_t* const workers = pool.workers;
  last_numbers.size = sizeof last_numbers;
  if (!workers || !openssl_workersStatistics(workers, &last_numbers)) last_numbers.size = 0;
  pool.workers = nullptr;
  pthread_rwlock_unlock(&lock);
  openssl_freeWorkers(workers);
}

void call_ended(void*, OPENSSL_EVENT* e) { static_cast<PendingCall*>(e->e.user)->ended(); }

int execute(OPENSSL_EVENT* e) {
  pthread_rwlock_rdlock(&executing);
  const int value = openssl_defaultEngine()->call(e);
  pthread_rwlock_unlock(&executing);
  return value;
}

constexpr OPENSSL_ENGINE kWorkerEngine = {sizeof(OPENSSL_ENGINE), "libssl_event_compat", execute, nullptr, nullptr};

void start_locked() noexcept {
  if (exiting || pool.workers) return;
  OPENSSL_WORKERS_CONFIG config = {};
  config.size = sizeof config;
  config.threads = settings().workers;
  config.name = "ssl-offload";
  config.nice = settings().nice;
  if (!pool.ends) pool.ends = openssl_newCompletionHandler(call_ended, nullptr);
  if (pool.ends) pool.workers = openssl_newWorkers(&config);
  if (pool.workers) report_on_request();
}

// Before libcrypto is cleaned up. OpenSSL 4.0 does that when the program asks for it only.
bool call_at_exit(void (*function)()) noexcept {
#if OPENSSL_VERSION_MAJOR < 4
  return OPENSSL_atexit(function) != 0;
#else
  return std::atexit(function) == 0;
#endif
}

}  // namespace

void prepare_pool() noexcept {
  static const bool prepared = [] {
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    return call_at_exit(at_exit);
  }();
  static_cast<void>(prepared);
}

const OPENSSL_ENGINE* worker_engine() noexcept { return &kWorkerEngine; }

bool submit(Event* call, PendingCall* pending) noexcept {
  call->holder = Holder::application;
  call->pub.e.user = pending;
  ERR_set_mark();
  pthread_rwlock_rdlock(&lock);
  if (!pool.workers) {
    pthread_rwlock_unlock(&lock);
    pthread_rwlock_wrlock(&lock);
    start_locked();
  }
  const bool submitted = pool.workers && openssl_submitCall(pool.workers, &call->pub, pool.ends);
  pthread_rwlock_unlock(&lock);
  ERR_pop_to_mark();
  return submitted;
}

bool process_is_exiting() noexcept { return exiting; }

unsigned process_generation() noexcept { return generation.load(std::memory_order_relaxed); }

bool pool_statistics(OPENSSL_WORKERS_STATISTICS& out) noexcept {
  pthread_rwlock_rdlock(&lock);
  out.size = sizeof out;
  bool exist = true;
  if (!pool.workers)
    exist = (out = last_numbers).size != 0;
  else
    exist = openssl_workersStatistics(pool.workers, &out);
  pthread_rwlock_unlock(&lock);
  return exist;
}

}  // namespace openssl_event::compat
