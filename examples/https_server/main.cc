// An HTTPS server whose private-key operations run on worker threads: one network thread, which never computes a
// signature, and a pool. Start at connection.cc: there the events go where they must.
//
//     https_server [--port N] [--workers N] ...     see --help
//     curl -k https://127.0.0.1:8443/
#include <malloc.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "examples/https_server/certificate.h"
#include "examples/https_server/epoll_loop.h"
#include "examples/https_server/listener.h"
#include "examples/https_server/options.h"
#include "examples/https_server/shared.h"

namespace {

struct Free {
  void operator()(openssl_workers_t* workers) const { openssl_freeWorkers(workers); }
  void operator()(openssl_completions_t* completions) const { openssl_freeCompletions(completions); }
};

int fail(const std::string& error) {
  std::fprintf(stderr, "https_server: %s\n", error.c_str());
  return 1;
}

// SIGTERM and SIGINT as a descriptor. Before any thread begins, so that all of them block these signals.
int open_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  sigprocmask(SIG_BLOCK, &ending, nullptr);
  return signalfd(-1, &ending, SFD_NONBLOCK | SFD_CLOEXEC);
}

openssl_workers_t* make_workers(const https::Options& options) {
  OPENSSL_WORKERS_CONFIG config = {};
  config.size = sizeof config;
  config.threads = options.workers > 0 ? static_cast<unsigned>(options.workers) : 0;
  config.queue_length = static_cast<unsigned>(options.queue);
  return openssl_newWorkers(&config);
}

}  // namespace

int main(int argc, char** argv) {
  https::Options options;
  switch (https::parse_options(argc, argv, options)) {
    case https::Parsed::help: return 0;
    case https::Parsed::wrong: return 2;
    case https::Parsed::ok: break;
  }
  // Records come and go by the window, 256 KiB at once: do not give each of these back to the kernel.
  mallopt(M_TRIM_THRESHOLD, 8 << 20);
  mallopt(M_TOP_PAD, 1 << 20);
  const int signals = open_signals();
  std::string error;
  const https::ContextPointer context = https::make_context(options, error);
  if (!context) return fail(error);
  const int listener = https::open_listener(options.host, options.port, error);
  if (listener < 0) return fail(error);

  // In this order: the workers end before the queue that their calls come home by.
  const std::unique_ptr<openssl_completions_t, Free> completions(openssl_newCompletions());
  const std::unique_ptr<openssl_workers_t, Free> workers(options.workers == 0 ? nullptr : make_workers(options));
  if (!completions || (!workers && options.workers != 0)) return fail("cannot start the workers; try fewer by --workers");

  if (options.trace) std::setvbuf(stdout, nullptr, _IOLBF, 0);
  https::Shared shared = {options, context.get(), workers.get(), completions.get(), {}};
  https::EpollLoop loop(shared, listener, signals);
  std::printf("listening on %s\n", https::listener_name(listener).c_str());
  std::fflush(stdout);
  return loop.run() ? 0 : fail(std::string("epoll: ") + std::strerror(errno));
}
