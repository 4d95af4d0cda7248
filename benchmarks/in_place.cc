// What the machine adds to a whole handshake when nothing is offloaded in time: its calls are executed where they appear.
#include "benchmarks/groups.h"
#include "benchmarks/support/peers.h"

namespace benchmarks {
namespace {

// From making both ends to freeing them.
std::int64_t plain_handshake(SSL_CTX* server_side, SSL_CTX* client_side, Wire& there, Wire& back) {
  const std::int64_t begin = now();
  {
    PlainPeer client(client_side), server(server_side, true);
    while (!client.done() || !server.done()) {
      client.handshake(back, there);
      server.handshake(there, back);
    }
  }
  const std::int64_t took = now() - begin;
  back.clear();
  return took;
}

std::int64_t machine_handshake(SSL_CTX* server_side, SSL_CTX* client_side, Wire& there, Wire& back) {
  const std::int64_t begin = now();
  {
    PlainPeer client(client_side);
    Machine server(server_side);
    while (!client.done() || !server.done()) {
      client.handshake(back, there);
      server.handshake(there, back, InPlace{server.get()});
    }
  }
  const std::int64_t took = now() - begin;
  back.clear();
  return took;
}

}  // namespace

void run_in_place(Report& report, const Settings& settings) {
  const Credentials credentials = make_credentials(KeyKind::rsa2048);
  const Context plain_side = server_context(credentials, credentials.key.get());
  const Context machine_side = server_context(credentials, credentials.offloaded.get());
  const Context prepared_side = server_context(credentials, credentials.offloaded.get());
  require(openssl_prepareContext(prepared_side.get()), "openssl_prepareContext");
  const Context client_side = client_context();
  Samples plain, machine, prepared;
  Wire there, back;
  const int rounds = settings.rounds(4000, 10);
  Progress progress("in_place_handshake_ratio", rounds);
  for (int i = 0; i < rounds; ++i, progress.step()) {
    plain.add(plain_handshake(plain_side.get(), client_side.get(), there, back));
    machine.add(machine_handshake(machine_side.get(), client_side.get(), there, back));
    prepared.add(machine_handshake(prepared_side.get(), client_side.get(), there, back));
  }
  report.title("Whole TLS 1.3 handshake with RSA-2048, client and server, microseconds");
  report.row({"server", "p50", "p90", "p99"});
  const auto row = [&](const char* side, const Samples& samples) {
    report.row({side, number(samples.median() / 1e3), number(samples.percentile(90) / 1e3),
                number(samples.percentile(99) / 1e3)});
  };
  row("libssl", plain);
  row("machine, calls executed in place", machine);
  row("the same, its context prepared for the record path", prepared);
  report.figure("in_place_handshake_ratio", machine.median() / plain.median());
  report.figure("in_place_handshake_ratio_record_path_on", prepared.median() / plain.median());
}

}  // namespace benchmarks
