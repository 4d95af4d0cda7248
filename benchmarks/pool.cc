// From handing a call to an idle worker to having it back.
#include <poll.h>

#include "benchmarks/groups.h"
#include "benchmarks/support/peers.h"
#include "engine_workers/engine_workers.h"

namespace benchmarks {
namespace {

// An engine that takes no time.
int decline(OPENSSL_EVENT* e) { return openssl_decline(e); }
constexpr OPENSSL_ENGINE kInstant = {sizeof(OPENSSL_ENGINE), "instant", decline, nullptr, nullptr};

OPENSSL_EVENT* park(Machine& server, const Wire& hello) {
  OPENSSL_EVENT* call = nullptr;
  Wire there = hello, nothing;
  server.receive(there);
  server.pump(nothing, [&](OPENSSL_EVENT* e) { call = e; });
  require(call != nullptr, "parking at the signature");
  return call;
}

}  // namespace

void run_pool(Report& report, const Settings& settings) {
  const Credentials credentials = make_credentials(KeyKind::p256);
  const Context server_side = server_context(credentials, credentials.offloaded.get());
  const Context client_side = client_context();
  const Wire hello = client_hello(client_side.get());
  OPENSSL_WORKERS_CONFIG config = {};
  config.size = sizeof config;
  config.threads = 1;
  openssl_completions_t* completions = openssl_newCompletions();
  openssl_workers_t* workers = openssl_newWorkers(&config);
  require(completions && workers, "openssl_newWorkers");
  Samples samples;
  const int rounds = settings.rounds(5000, 10);
  {
    Progress progress("pool_round_trip_us", rounds);
    for (int i = 0; i < rounds; ++i, progress.step()) {
      Machine server(server_side.get());
      openssl_setEngine(server.get(), &kInstant);
      OPENSSL_EVENT* call = park(server, hello);
      pollfd readable = {openssl_completionFd(completions), POLLIN, 0};
      const std::int64_t begin = wall_now();
      require(openssl_submitCall(workers, call, completions), "openssl_submitCall");
      OPENSSL_EVENT* back = nullptr;
      while (!(back = openssl_collectCompletion(completions))) poll(&readable, 1, -1);
      samples.add(wall_now() - begin);
      openssl_returnEvent(back);
    }
  }
  openssl_freeWorkers(workers);
  openssl_freeCompletions(completions);
  report.title("A call that takes no time, to an idle worker and back by poll, microseconds");
  report.row({"", "p50", "p90", "p99"});
  report.row({"round trip", number(samples.median() / 1e3), number(samples.percentile(90) / 1e3),
              number(samples.percentile(99) / 1e3)});
  report.figure("pool_round_trip_us", samples.median() / 1e3);
}

}  // namespace benchmarks
