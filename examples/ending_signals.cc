#include "examples/ending_signals.h"

#include <sys/signalfd.h>

#include <csignal>

int open_ending_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  sigprocmask(SIG_BLOCK, &ending, nullptr);
  return signalfd(-1, &ending, SFD_NONBLOCK | SFD_CLOEXEC);
}
