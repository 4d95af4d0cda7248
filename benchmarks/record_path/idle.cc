// What idle connections on the record path keep, with and without their SSL, and what they cost the busy ones.
#include <sys/resource.h>

#include <cstdio>
#include <string>
#include <vector>

#include "benchmarks/record_path/parts.h"
#include "benchmarks/support/memory.h"
#include "benchmarks/support/peers.h"
#include "benchmarks/support/population.h"
#include "benchmarks/support/samples.h"

namespace benchmarks {
namespace {

constexpr int kConnections = 2000;
constexpr int kFirst = 10;  // bring what all need
constexpr int kMany = 100'000;

Context prepared_context(const Credentials& credentials) {
  Context context = server_context(credentials, credentials.key.get());
  require(openssl_prepareContext(context.get()), "openssl_prepareContext");
  return context;
}

enum class Ssl { kept, freed };

// Heap of an idle server connection after 16 KiB each way; its client has gone.
double heap_of_one(SSL_CTX* client, SSL_CTX* server, Ssl ssl, int connections) {
  std::vector<char> data(OPENSSL_MAX_PLAINTEXT, 'x');
  std::vector<Machine> machines;
  machines.reserve(static_cast<std::size_t>(connections));
  Wire to_server(64 * 1024), to_client(64 * 1024);
  const auto open = [&] {
    PlainPeer peer(client);
    Machine& machine = machines.emplace_back(server);
    connect(peer, machine);
    peer.write(data.data(), data.size(), to_server);
    machine.receive(to_server);
    openssl_putEvent(machine.get(), openssl_newCleartextInEvent(data.data(), data.size()));
    if (ssl == Ssl::freed) openssl_releaseSsl(machine.get());
    machine.pump(to_client, InPlace{machine.get()});
    require(peer.read(to_client) == data.size(), "sending all of it");
    require(!openssl_ssl(machine.get()) == (ssl == Ssl::freed), "freeing the SSL");
    to_client.clear();
  };
  for (int i = 0; i < kFirst; ++i) open();
  const double before = heap();
  for (int i = kFirst; i < connections; ++i) open();
  return (heap() - before) / (connections - kFirst);
}

// Bytes that may be had; what is missing of them is told.
bool has_memory(double bytes) {
  char line[128];
  double available = 0;
  std::FILE* file = std::fopen("/proc/meminfo", "r");
  while (file && std::fgets(line, sizeof line, file))
    if (std::sscanf(line, "MemAvailable: %lf kB", &available) == 1) break;
  if (file) std::fclose(file);
  rlimit limit = {};
  getrlimit(RLIMIT_AS, &limit);
  if (limit.rlim_cur != RLIM_INFINITY && static_cast<double>(limit.rlim_cur) < bytes) {
    std::printf("Not measured: the limit of address space (ulimit -v) is below %.0f MB.\n", bytes / 1e6);
    return false;
  }
  if (available * 1024 >= bytes) return true;
  std::printf("Not measured: %.0f MB of memory are wanted, %.0f MB are available.\n", bytes / 1e6,
              available * 1024 / 1e6);
  return false;
}

struct Case {
  const char* row;
  const char* suffix;  // of the figures
  Ssl ssl;
  double bytes_each;  // at most
};

constexpr Case kCases[] = {{"SSL kept", "", Ssl::kept, 24e3}, {"SSL freed", "_ssl_freed", Ssl::freed, 8e3}};

void crowd(Report& report, Figures& figures, const Case& what, SSL_CTX* client, SSL_CTX* server,
           const Settings& settings) {
  const int idle = settings.rounds(kMany, 200), rounds = settings.rounds(200, 3), passes = settings.rounds(20, 2);
  if (!has_memory(what.bytes_each * idle)) return;
  const Kind kind = {server, client, true, what.ssl == Ssl::freed};
  const std::int64_t begin = wall_now();
  Household crowded("idle connections", kind, idle);
  const double megabytes = crowded.resident() / 1e6;
  const double seconds = static_cast<double>(wall_now() - begin) / 1e9;
  Household alone("busy connections", kind, 0);
  Samples without, with, random;
  for (int i = 0; i < rounds; ++i) {
    without.add(alone.busy(passes));
    with.add(crowded.busy(passes));
    random.add(crowded.random(settings.rounds(1000, 20)));
  }
  report.row({what.row, number(megabytes, 0), number(seconds, 1), number(without.median(), 0), number(with.median(), 0),
              number(random.median(), 0)});
  const auto figure = [&](const char* name, double value) {
    figures.emplace_back(name + std::string(what.suffix), value);
  };
  figure("idle_100k_resident_mb", megabytes);
  figure("idle_100k_seconds", seconds);
  figure("idle_100k_event_cost_growth", with.median() / without.median());
  figure("idle_100k_event_cost_random_us", random.median() / 1e3);
}

}  // namespace

void run_idle_heap(Report& report, Figures& figures, const Credentials& credentials, const Settings& settings) {
  const Context client = client_context(), base = server_context(credentials, credentials.key.get()),
                prepared = prepared_context(credentials);
  const int count = settings.rounds(kConnections, 20);
  report.title("Heap of an idle server connection after 16 KiB each way, bytes");
  const auto measure = [&](const char* row, const char* figure, SSL_CTX* server, Ssl ssl) {
    figures.emplace_back(figure, heap_of_one(client.get(), server, ssl, count));
    report.row({row, number(figures.back().second, 0)});
  };
  measure("base path", "idle_heap_bytes_base", base.get(), Ssl::kept);
  measure("record path", "idle_heap_bytes_ssl_kept", prepared.get(), Ssl::kept);
  measure("record path, SSL freed", "idle_heap_bytes_ssl_freed", prepared.get(), Ssl::freed);
}

void run_idle_100k(Report& report, Figures& figures, const Credentials& credentials, const Settings& settings) {
  const Context client = client_context(), prepared = prepared_context(credentials);
  report.title("100,000 idle connections in one process, and an event on 100 busy ones beside them, nanoseconds");
  report.row({"", "resident MB", "seconds to make", "alone", "beside them", "on a random one"});
  for (const Case& what : kCases) crowd(report, figures, what, client.get(), prepared.get(), settings);
}

}  // namespace benchmarks
