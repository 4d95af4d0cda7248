// What one suspension costs the network thread, beyond the operation that it is for.
#include "benchmarks/groups.h"
#include "benchmarks/support/peers.h"

namespace benchmarks {
namespace {

// The server's part of a handshake, from the ClientHello to the tickets.
template <class Server, class... Execute>
std::int64_t server_time(PlainPeer& client, Server& server, Wire& there, Wire& back, Execute... execute) {
  std::int64_t sum = 0;
  while (!client.done() || !server.done()) {
    client.handshake(back, there);
    const std::int64_t begin = now();
    server.handshake(there, back, execute...);
    sum += now() - begin;
  }
  back.clear();
  return sum;
}

std::int64_t plain_time(SSL_CTX* server_side, SSL_CTX* client_side, Wire& there, Wire& back) {
  PlainPeer client(client_side), server(server_side, true);
  return server_time(client, server, there, back);
}

std::int64_t machine_time(SSL_CTX* server_side, SSL_CTX* client_side, Wire& there, Wire& back) {
  PlainPeer client(client_side);
  Machine server(server_side);
  return server_time(client, server, there, back, InPlace{server.get()});
}

}  // namespace

// Four servers: libssl and the machine, each with a key and with the same key offloaded. libssl executes an offloaded key
// in place, so its difference is what the key's indirection costs; the machine's has the suspension as well.
void run_suspension(Report& report, const Settings& settings) {
  const Credentials credentials = make_credentials(KeyKind::p256);
  const Context bare = server_context(credentials, credentials.key.get());
  const Context offloaded = server_context(credentials, credentials.offloaded.get());
  const Context client_side = client_context();
  Samples plain, plain_offloaded, machine, machine_offloaded, indirection, all;
  Wire there, back;
  const int rounds = settings.rounds(6000, 10);
  Progress progress("suspension_us", rounds);
  for (int i = 0; i < rounds; ++i, progress.step()) {
    const std::int64_t a = plain_time(bare.get(), client_side.get(), there, back);
    const std::int64_t b = plain_time(offloaded.get(), client_side.get(), there, back);
    const std::int64_t c = machine_time(bare.get(), client_side.get(), there, back);
    const std::int64_t d = machine_time(offloaded.get(), client_side.get(), there, back);
    plain.add(a);
    plain_offloaded.add(b);
    machine.add(c);
    machine_offloaded.add(d);
    indirection.add(b - a);
    all.add(d - c);
  }
  report.title("Server's part of a TLS 1.3 handshake with ECDSA P-256, p50, microseconds");
  report.row({"", "libssl", "machine"});
  report.row({"key as it is", number(plain.median() / 1e3, 2), number(machine.median() / 1e3, 2)});
  report.row({"offloaded key, executed in place", number(plain_offloaded.median() / 1e3, 2),
              number(machine_offloaded.median() / 1e3, 2)});
  report.row({"difference", number(indirection.median() / 1e3, 2), number(all.median() / 1e3, 2)});
  report.figure("suspension_us", (all.median() - indirection.median()) / 1e3);
  report.figure("offloaded_key_us", indirection.median() / 1e3);
}

}  // namespace benchmarks
