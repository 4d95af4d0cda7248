// How long a server's network thread is held up by the longest library call of a TLS 1.3 handshake.
#include <poll.h>
#include <sched.h>

#include <vector>

#include "benchmarks/groups.h"
#include "benchmarks/support/peers.h"
#include "engine_workers/engine_workers.h"

namespace benchmarks {
namespace {

// The network thread gets the first processor that the process may use, and the worker the others: else the kernel may
// wake the worker where the network thread is, and measure itself. Returns the worker's.
std::vector<int> part_processors() {
  cpu_set_t allowed, own;
  std::vector<int> others;
  CPU_ZERO(&own);
  require(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "sched_getaffinity");
  if (CPU_COUNT(&allowed) < 2) return others;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    if (CPU_COUNT(&own) == 0)
      CPU_SET(cpu, &own);
    else
      others.push_back(cpu);
  }
  require(sched_setaffinity(0, sizeof own, &own) == 0, "sched_setaffinity");
  return others;
}

// One worker, and the queue by which calls come back.
struct Pool {
  openssl_completions_t* completions = openssl_newCompletions();
  openssl_workers_t* workers;

  explicit Pool(const std::vector<int>& cpus) {
    OPENSSL_WORKERS_CONFIG config = {};
    config.size = sizeof config;
    config.threads = 1;
    config.cpus = cpus.data();
    config.cpu_count = cpus.size();
    workers = openssl_newWorkers(&config);
    require(completions && workers, "openssl_newWorkers");
  }
  ~Pool() {
    openssl_freeWorkers(workers);
    openssl_freeCompletions(completions);
  }
};

std::int64_t plain_handshake(SSL_CTX* server_side, SSL_CTX* client_side) {
  PlainPeer client(client_side), server(server_side, true);
  Wire there, back;
  LongestCall call;
  while (!client.done() || !server.done()) {
    client.handshake(back, there);
    server.handshake(there, back, call);
  }
  return call.longest;
}

// The signature goes to the pool; the network thread sleeps until it is there.
std::int64_t machine_handshake(SSL_CTX* server_side, SSL_CTX* client_side, Pool& pool) {
  PlainPeer client(client_side);
  Machine server(server_side);
  Wire there, back;
  LongestCall call;
  bool out = false;
  const auto submit = [&](OPENSSL_EVENT* e) {
    out = true;
    require(call([&] { return openssl_submitCall(pool.workers, e, pool.completions); }), "openssl_submitCall");
  };
  while (!client.done() || !server.done()) {
    client.handshake(back, there);
    server.handshake(there, back, submit, call);
    if (!out) continue;
    pollfd readable = {openssl_completionFd(pool.completions), POLLIN, 0};
    require(poll(&readable, 1, -1) == 1, "poll");
    while (OPENSSL_EVENT* e = call([&] { return openssl_collectCompletion(pool.completions); }))
      call([&] { return openssl_returnEvent(e); });
    out = false;
    server.pump(back, submit, call);
  }
  return call.longest;
}

void run_size(Report& report, const char* figure, KeyKind kind, const char* name, const std::vector<int>& worker_cpus,
              int rounds) {
  const Credentials credentials = make_credentials(kind);
  const Context plain_side = server_context(credentials, credentials.key.get());
  const Context machine_side = server_context(credentials, credentials.offloaded.get());
  const Context client_side = client_context();
  Pool pool(worker_cpus);
  Samples plain, machine;
  Progress progress(figure, rounds);
  for (int i = 0; i < rounds; ++i, progress.step()) {
    plain.add(plain_handshake(plain_side.get(), client_side.get()));
    machine.add(machine_handshake(machine_side.get(), client_side.get(), pool));
  }
  const auto row = [&](const char* side, const Samples& samples) {
    report.row({std::string(name) + ", " + side, number(samples.median() / 1e3), number(samples.percentile(90) / 1e3),
                number(samples.percentile(99) / 1e3)});
  };
  row("libssl", plain);
  row("signature offloaded", machine);
  report.figure(figure, machine.median() / plain.median());
}

}  // namespace

void run_longest_call(Report& report, const Settings& settings) {
  report.title("Longest library call on the network thread, TLS 1.3 server handshake, microseconds");
  report.row({"", "p50", "p90", "p99"});
  const std::vector<int> worker_cpus = part_processors();
  if (settings.wants("longest_call_ratio_rsa2048"))
    run_size(report, "longest_call_ratio_rsa2048", KeyKind::rsa2048, "RSA-2048", worker_cpus,
             settings.rounds(2000, 5));
  if (settings.wants("longest_call_ratio_rsa4096"))
    run_size(report, "longest_call_ratio_rsa4096", KeyKind::rsa4096, "RSA-4096", worker_cpus,
             settings.rounds(500, 3));
}

}  // namespace benchmarks
