#include "compat/pool.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <pthread.h>

#include <atomic>
#include <cstdio>
#include <new>

#include "compat/pending_call.h"
#include "compat/settings.h"

namespace openssl_event::compat {
namespace {

struct Pool {
  openssl_workers_t* workers = nullptr;
  openssl_completions_t* ends = nullptr;
};

// Submitting takes it shared, starting and ending exclusively. A plain pthread lock: it has no destructor to run at exit
// while a thread still uses it, and a forked child can make it anew.
pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
Pool pool;
bool exiting = false;
std::atomic<unsigned> generation{0};

void in_child() noexcept {
  pthread_rwlock_init(&lock, nullptr);
  pool = {};  // the parent's, whose threads are not here; never freed
  generation.fetch_add(1, std::memory_order_relaxed);
}

// Runs as the first thing of OPENSSL_cleanup, after which a worker would use what has been freed.
void at_exit() noexcept {
  pthread_rwlock_wrlock(&lock);
  exiting = true;
  Pool ended = pool;
  pool.workers = nullptr;
  pthread_rwlock_unlock(&lock);
  openssl_freeWorkers(ended.workers);
}

void call_ended(void*, OPENSSL_EVENT* e) { static_cast<PendingCall*>(e->e.user)->ended(); }

void start_locked() noexcept {
  if (exiting || pool.workers) return;
  OPENSSL_WORKERS_CONFIG config = {};
  config.size = sizeof config;
  config.threads = settings().workers;
  config.name = "ssl-offload";
  if (!pool.ends) pool.ends = openssl_newCompletionHandler(call_ended, nullptr);
  if (pool.ends) pool.workers = openssl_newWorkers(&config);
  static bool arranged = false;
  if (pool.workers && !arranged) arranged = OPENSSL_atexit(at_exit) && pthread_atfork(nullptr, nullptr, in_child) == 0;
}

bool submit_locked(Event* call) noexcept {
  return pool.workers && openssl_submitCall(pool.workers, &call->pub, pool.ends);
}

}  // namespace

bool submit(Event* call, PendingCall* pending) noexcept {
  call->holder = Holder::application;
  call->pub.e.user = pending;
  pthread_rwlock_rdlock(&lock);
  if (!pool.workers) {
    pthread_rwlock_unlock(&lock);
    pthread_rwlock_wrlock(&lock);
    start_locked();
  }
  const bool submitted = submit_locked(call);
  pthread_rwlock_unlock(&lock);
  if (!submitted) ERR_clear_error();
  return submitted;
}

unsigned process_generation() noexcept { return generation.load(std::memory_order_relaxed); }

bool pool_statistics(OPENSSL_WORKERS_STATISTICS& out) noexcept {
  out.size = sizeof out;
  pthread_rwlock_rdlock(&lock);
  const bool exists = pool.workers && openssl_workersStatistics(pool.workers, &out);
  pthread_rwlock_unlock(&lock);
  return exists;
}

}  // namespace openssl_event::compat
