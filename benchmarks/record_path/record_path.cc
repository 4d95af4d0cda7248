// The record path beside the cipher alone, plain libssl on memory BIOs, and a machine without it, in one run.
#include <malloc.h>

#include <cstring>
#include <string>
#include <vector>

#include "benchmarks/record_path/endpoints.h"
#include "benchmarks/support/report.h"

namespace benchmarks {
namespace {

constexpr std::size_t kBatch = 200 * 1024;  // stays in the processor's cache
constexpr int kMostRecords = 512;
constexpr int kIdleConnections = 2000;

const Suite kSuites[] = {
    {"", "TLS 1.3 AES-128-GCM", "AES-128-GCM", TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256"},
    {"_tls12", "TLS 1.2 AES-128-GCM", "AES-128-GCM", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"_chacha", "TLS 1.3 ChaCha20-Poly1305", "ChaCha20-Poly1305", TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256"},
    {"_chacha_tls12", "TLS 1.2 ChaCha20-Poly1305", "ChaCha20-Poly1305", TLS1_2_VERSION,
     "ECDHE-ECDSA-CHACHA20-POLY1305"}};

struct Size {
  const char* name;
  std::size_t bytes;
};
const Size kSizes[] = {{"16k", 16384}, {"4k", 4096}, {"1k", 1024}, {"100b", 100}};

struct Contexts {
  Contexts(const Suite& suite, const Credentials& credentials)
      : client(client_context(suite.version)),
        base(server_context(credentials, credentials.key.get())),
        prepared(server_context(credentials, credentials.key.get())) {
    for (SSL_CTX* context : {client.get(), base.get(), prepared.get()})
      require(suite.version == TLS1_3_VERSION ? SSL_CTX_set_ciphersuites(context, suite.list)
                                              : SSL_CTX_set_cipher_list(context, suite.list),
              "choosing the suite");
    require(openssl_prepareContext(prepared.get()), "openssl_prepareContext");
  }
  Context client, base, prepared;
};

enum { kRaw, kPlain, kBase, kPath, kWays };
const char* const kWayNames[] = {"raw EVP", "plain", "base path", "record path"};

class Comparison {
 public:
  Comparison(const Suite& suite, const Contexts& contexts, std::size_t size)
      : load_{size, std::min(kMostRecords, static_cast<int>(kBatch / size))},
        raw_(suite.cipher),
        plain_(contexts.client.get(), contexts.base.get()),
        base_(contexts.client.get(), contexts.base.get()),
        path_(contexts.client.get(), contexts.prepared.get()) {}

  // Each way once, beginning with another one each time.
  void round(int number) {
    for (int i = 0; i < kWays; ++i) {
      switch ((number + i) % kWays) {
        case kRaw:
          measure(kRaw, raw_);
          break;
        case kPlain:
          measure(kPlain, plain_);
          break;
        case kBase:
          measure(kBase, base_);
          break;
        case kPath:
          measure(kPath, path_);
          break;
      }
    }
  }
  double sends(int way) const { return send_[way].median() / load_.records; }
  double receives(int way) const { return receive_[way].median() / load_.records; }
  bool is_direct() const { return path_.is_direct() && !base_.is_direct(); }

 private:
  template <class Endpoint>
  void measure(int way, Endpoint& endpoint) {
    send_[way].add(endpoint.seal(load_, data_.data()));
    receive_[way].add(endpoint.open(load_, data_.data()));
  }

  Load load_;
  RawCipher raw_;
  PlainServer plain_;
  MachineServer base_, path_;
  Samples send_[kWays], receive_[kWays];
  std::vector<char> data_ = std::vector<char>(OPENSSL_MAX_PLAINTEXT, 'x');
};

using Figures = std::vector<std::pair<std::string, double>>;

void compare(Report& report, Figures& figures, const Suite& suite, const Contexts& contexts, const Size& size,
             int rounds) {
  Comparison comparison(suite, contexts, size.bytes);
  for (int i = 0; i < rounds; ++i) comparison.round(i);
  require(comparison.is_direct(), "being on the record path");
  for (int way = 0; way < kWays; ++way)
    report.row({std::string(suite.name) + ", " + size.name + ", " + kWayNames[way], number(comparison.sends(way), 0),
                number(comparison.sends(kRaw) / comparison.sends(way), 2), number(comparison.receives(way), 0),
                number(comparison.receives(kRaw) / comparison.receives(way), 2)});
  const auto figure = [&](const char* direction, const char* over, double value) {
    figures.emplace_back(std::string(direction) + size.name + over + suite.suffix, value);
  };
  figure("send_", "_of_raw", comparison.sends(kRaw) / comparison.sends(kPath));
  figure("recv_", "_of_raw", comparison.receives(kRaw) / comparison.receives(kPath));
  figure("send_", "_over_plain", comparison.sends(kPlain) / comparison.sends(kPath));
  figure("recv_", "_over_plain", comparison.receives(kPlain) / comparison.receives(kPath));
  figure("send_", "_over_base", comparison.sends(kBase) / comparison.sends(kPath));
  figure("recv_", "_over_base", comparison.receives(kBase) / comparison.receives(kPath));
}

// Heap of an idle server connection after 16 KiB each way.
double idle_heap(SSL_CTX* client, SSL_CTX* server, int connections) {
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
    machine.pump(to_client, InPlace{machine.get()});
    require(peer.read(to_client) == data.size(), "sending all of it");
    to_client.clear();
  };
  for (int i = 0; i < 10; ++i) open();  // what the first ones need for all
  const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  for (int i = 10; i < connections; ++i) open();
  const std::size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
  return static_cast<double>(after - before) / (connections - 10);
}

int usage(std::FILE* out, int status) {
  std::fprintf(
      out,
      "usage: record_path [--only SUFFIX] [--quick]\n"
      "Measures sealing and opening of application data beside the cipher alone, plain libssl on memory BIOs and a\n"
      "machine without the record path, interleaved, and prints medians; the last lines are \"FIGURE name value\".\n"
      "  --only SUFFIX  one suite: tls13, tls12, chacha, chacha_tls12\n"
      "  --quick        a few rounds of each: shows that everything runs, measures nothing\n");
  return status;
}

bool wanted(const Suite& suite, const std::string& only) {
  return only.empty() || only == (*suite.suffix ? suite.suffix + 1 : "tls13");
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
  using namespace benchmarks;
  std::string only;
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--help") == 0) return usage(stdout, 0);
    if (std::strcmp(argv[i], "--quick") == 0)
      settings.quick = true;
    else if (std::strcmp(argv[i], "--only") == 0 && i + 1 < argc)
      only = argv[++i];
    else
      return usage(stderr, 2);
  }
#ifndef NDEBUG
  std::printf("Built with checks: use --config=opt to measure.\n");
#endif
  std::printf("openssl_event %s, %s\n", openssl_version(), OpenSSL_version(OPENSSL_VERSION));
  const Credentials credentials = make_credentials(KeyKind::p256);
  Report report(nullptr);
  Figures figures;
  report.title("Application data, p50, nanoseconds a record, and the cipher's share of them");
  report.row({"", "send", "of raw", "receive", "of raw"});
  for (const Suite& suite : kSuites) {
    if (!wanted(suite, only)) continue;
    const Contexts contexts(suite, credentials);
    for (const Size& size : kSizes) compare(report, figures, suite, contexts, size, settings.rounds(400, 2));
    if (&suite != kSuites) continue;
    const int connections = settings.rounds(kIdleConnections, 20);
    figures.emplace_back("idle_heap_bytes_base", idle_heap(contexts.client.get(), contexts.base.get(), connections));
    figures.emplace_back("idle_heap_bytes_ssl_kept",
                         idle_heap(contexts.client.get(), contexts.prepared.get(), connections));
  }
  std::printf("\n");
  for (const auto& [name, value] : figures) std::printf("FIGURE %s %.4g\n", name.c_str(), value);
  return 0;
}
