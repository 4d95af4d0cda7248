#include "engine_workers/thread.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace openssl_event {
namespace {

// A new thread inherits the mask, so that no signal finds it unblocked. The signals that a thread brings upon itself
// stay as they are: blocked, they would end the process without the handler that reports them.
class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t signals;
    sigfillset(&signals);
    for (int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) sigdelset(&signals, own);
    pthread_sigmask(SIG_BLOCK, &signals, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

int start_thread(pthread_t& thread, const Settings& settings, void* (*main)(void*), void* argument) noexcept {
  pthread_attr_t attributes;
  int error = pthread_attr_init(&attributes);
  if (error) return error;
  if (settings.has_cpus) error = pthread_attr_setaffinity_np(&attributes, sizeof settings.cpus, &settings.cpus);
  if (!error) {
    SignalsBlocked blocked;
    error = pthread_create(&thread, &attributes, main, argument);
  }
  pthread_attr_destroy(&attributes);
  return error;
}

void name_this_thread(const std::string& name, unsigned index) noexcept {
  constexpr std::size_t kLongest = 15;
  char full[kLongest + 1];
  char suffix[kLongest + 1];
  const auto suffix_length = static_cast<std::size_t>(std::snprintf(suffix, sizeof suffix, "-%u", index));
  const std::size_t name_length = std::min(name.size(), kLongest - suffix_length);
  std::memcpy(full, name.data(), name_length);
  std::memcpy(full + name_length, suffix, suffix_length + 1);
  pthread_setname_np(pthread_self(), full);
}

void lower_priority_of_this_thread(int nice) noexcept {
  const auto thread = static_cast<id_t>(gettid());
  if (nice > 0) setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + nice);  // the kernel stops at 19
}

}  // namespace openssl_event
