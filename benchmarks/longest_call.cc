// How long a server's network thread is held up by the longest library call of a TLS 1.3 handshake.
#include <vector>

#include "benchmarks/groups.h"
#include "benchmarks/support/peers.h"
#include "benchmarks/support/worker.h"

namespace benchmarks {
namespace {

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

// The signature goes to the worker; the network thread sleeps until it is there.
std::int64_t machine_handshake(SSL_CTX* server_side, SSL_CTX* client_side, Worker& worker) {
  PlainPeer client(client_side);
  Machine server(server_side);
  Wire there, back;
  LongestCall call;
  bool out = false;
  const auto submit = [&](OPENSSL_EVENT* e) {
    out = true;
    require(call([&] { return openssl_submitCall(worker.workers, e, worker.completions); }), "openssl_submitCall");
  };
  while (!client.done() || !server.done()) {
    client.handshake(back, there);
    server.handshake(there, back, submit, call);
    if (!out) continue;
    worker.wait();
    while (OPENSSL_EVENT* e = call([&] { return openssl_collectCompletion(worker.completions); }))
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
  Worker worker(worker_cpus);
  Samples plain, machine;
  Progress progress(figure, rounds);
  for (int i = 0; i < rounds; ++i, progress.step()) {
    plain.add(plain_handshake(plain_side.get(), client_side.get()));
    machine.add(machine_handshake(machine_side.get(), client_side.get(), worker));
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
