#include "examples/https_server/program.h"

#include <malloc.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "examples/ending_signals.h"
#include "examples/https_server/certificate.h"
#include "examples/https_server/listener.h"
#include "examples/https_server/options.h"

namespace https {
namespace {

struct Free {
  void operator()(openssl_workers_t* workers) const { openssl_freeWorkers(workers); }
  void operator()(openssl_completions_t* completions) const { openssl_freeCompletions(completions); }
};

int fail(const Options& options, const std::string& error) {
  std::fprintf(stderr, "%s: %s\n", options.program.c_str(), error.c_str());
  return 1;
}

openssl_workers_t* make_workers(const Options& options) {
  OPENSSL_WORKERS_CONFIG config = {};
  config.size = sizeof config;
  config.threads = options.workers > 0 ? static_cast<unsigned>(options.workers) : 0;
  config.queue_length = static_cast<unsigned>(options.queue);
  config.nice = static_cast<unsigned>(options.nice);
  config.least_us = static_cast<unsigned>(options.in_place_below);
  return openssl_newWorkers(&config);
}

}  // namespace

int run_program(const char* name, int argc, char** argv, MakeServer make_server) {
  Options options;
  options.program = name;
  switch (parse_options(argc, argv, options)) {
    case Parsed::help: return 0;
    case Parsed::wrong: return 2;
    case Parsed::ok: break;
  }
  // Records come and go by the window, 256 KiB at once: do not give each of these back to the kernel.
  mallopt(M_TRIM_THRESHOLD, 8 << 20);
  mallopt(M_TOP_PAD, 1 << 20);
  const int signals = open_ending_signals();
  std::string error;
  const ContextPointer context = make_context(options, error);
  if (!context) return fail(options, error);
  const int listener = open_listener(options, error);
  if (listener < 0) return fail(options, error);

  // In this order: the workers, and the threads of the lookups, end before the queue that their calls come home by.
  const std::unique_ptr<openssl_completions_t, Free> completions(openssl_newCompletions());
  const std::unique_ptr<openssl_workers_t, Free> workers(options.workers == 0 ? nullptr : make_workers(options));
  if (!completions || (!workers && options.workers != 0)) return fail(options, "cannot start the workers; try fewer by --workers");

  if (options.trace) std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::unique_ptr<Lookups> lookups = Lookups::make(options, context.get(), completions.get(), error);
  if (!lookups) return fail(options, error);
  const bool chooses = options.record_path && !options.always_record_path && !options.looks_up();  // which is set per context
  const ContextPointer unprepared = chooses ? make_unprepared(context.get(), options, error) : nullptr;
  if (chooses && !unprepared) return fail(options, error);
  Shared shared = {options, context.get(), unprepared.get(), lookups.get(), {workers.get(), completions.get()}, {}, {}, {}};
  const std::string where = listener_name(listener);
  const std::unique_ptr<Server> server = make_server(shared, listener, signals, error);
  if (!server) return fail(options, error);
  std::printf("listening on %s\n", where.c_str());
  std::fflush(stdout);
  return server->run() ? 0 : fail(options, std::string("cannot go on: ") + std::strerror(errno));
}

}  // namespace https
