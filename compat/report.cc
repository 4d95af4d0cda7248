#include "compat/report.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "compat/settings.h"
#include "compat/statistics.h"

namespace openssl_event::compat {
namespace {

std::atomic<bool> tls_is_used{false};
bool signal_is_ours = false;
sem_t requests;  // posted by the signal's handler, in which nothing else may be done

bool is_stderr(const char* name) noexcept { return std::strcmp(name, "stderr") == 0; }

void report(const char* name) noexcept {
  if (is_stderr(name)) return write_statistics(stderr);
  std::FILE* out = std::fopen(name, "ae");
  if (!out) {
    std::fprintf(stderr, "libssl_event_compat: OPENSSL_EVENT_STATS=%s cannot be written: %s\n", name, std::strerror(errno));
    return;
  }
  write_statistics(out);
  std::fclose(out);
}

void on_signal(int) noexcept {
  const int saved_errno = errno;
  sem_post(&requests);
  errno = saved_errno;
}

void* wait_for_requests(void*) noexcept {
  for (;;)
    if (sem_wait(&requests) == 0) report(settings().statistics ? settings().statistics : "stderr");
}

bool take_signal(int number) noexcept {
  struct sigaction action = {};
  if (sigaction(number, nullptr, &action) != 0) return false;
  const bool is_free = !(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_DFL;
  action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sem_init(&requests, 0, 0);
  if (is_free && sigaction(number, &action, nullptr) == 0) return true;
  std::fprintf(stderr, "libssl_event_compat: OPENSSL_EVENT_STATS_SIGNAL=%d: the program uses this signal itself; ignored\n", number);
  return false;
}

// After the program's own exit handlers, and OPENSSL_cleanup, which ends the pool.
[[gnu::destructor]] void report_at_exit() noexcept {
  if ((tls_is_used || statistics().calls) && settings().statistics) report(settings().statistics);
}

}  // namespace

void note_tls_is_used() noexcept {
  if (!tls_is_used.load(std::memory_order_relaxed)) tls_is_used.store(true, std::memory_order_relaxed);
}

void prepare_report() noexcept {
  static const bool prepared = settings().statistics_signal && (signal_is_ours = take_signal(settings().statistics_signal));
  static_cast<void>(prepared);
}

void report_on_request() noexcept {
  if (!signal_is_ours) return;
  sigset_t all, previous;
  sigfillset(&all);
  pthread_attr_t detached;
  pthread_t thread;
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  pthread_sigmask(SIG_SETMASK, &all, &previous);
  if (pthread_create(&thread, &detached, wait_for_requests, nullptr) != 0)
    std::fprintf(stderr, "libssl_event_compat: no thread for OPENSSL_EVENT_STATS_SIGNAL\n");
  pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  pthread_attr_destroy(&detached);
}

void report_after_fork() noexcept {
  tls_is_used = false;
  if (signal_is_ours) sem_init(&requests, 0, 0);
}

}  // namespace openssl_event::compat
