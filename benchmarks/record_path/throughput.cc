// Sealing and opening application data: the record path beside the cipher alone, libssl, GnuTLS, and a machine without
// it.
#include <string>
#include <vector>

#include "benchmarks/record_path/endpoints.h"
#include "benchmarks/record_path/gnutls.h"
#include "benchmarks/record_path/parts.h"

namespace benchmarks {
namespace {

constexpr std::size_t kBatch = 200 * 1024;  // stays in the processor's cache
constexpr int kMostRecords = 512;

const Suite kSuites[] = {
    {"", "TLS 1.3 AES-128-GCM", "AES-128-GCM", TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256",
     "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM"},
    {"_tls12", "TLS 1.2 AES-128-GCM", "AES-128-GCM", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256",
     "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM"},
    {"_chacha", "TLS 1.3 ChaCha20-Poly1305", "ChaCha20-Poly1305", TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256",
     "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+CHACHA20-POLY1305"},
    {"_chacha_tls12", "TLS 1.2 ChaCha20-Poly1305", "ChaCha20-Poly1305", TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305",
     "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+CHACHA20-POLY1305"}};

struct Size {
  const char* name;
  std::size_t bytes;
};
const Size kSizes[] = {{"16k", 16384}, {"4k", 4096}, {"1k", 1024}, {"100b", 100}};

struct Contexts {
  Contexts(const Suite& suite, const Credentials& keys)
      : credentials(keys),
        client(client_context(suite.version)),
        base(server_context(keys, keys.key.get())),
        prepared(server_context(keys, keys.key.get())) {
    for (SSL_CTX* context : {client.get(), base.get(), prepared.get()})
      require(suite.version == TLS1_3_VERSION ? SSL_CTX_set_ciphersuites(context, suite.list)
                                              : SSL_CTX_set_cipher_list(context, suite.list),
              "choosing the suite");
    require(openssl_prepareContext(prepared.get()), "openssl_prepareContext");
  }

  const Credentials& credentials;
  Context client, base, prepared;
};

enum { kRaw, kPlain, kGnutls, kBase, kPath, kWays };
const char* const kWayNames[] = {"raw EVP", "libssl, memory BIOs", "GnuTLS", "base path", "record path"};

class Comparison {
 public:
  Comparison(const Suite& suite, const Contexts& contexts, std::size_t size)
      : load_{size, std::min(kMostRecords, static_cast<int>(kBatch / size))},
        raw_(suite.cipher),
        plain_(contexts.client.get(), contexts.base.get()),
        gnutls_(suite, contexts.client.get(), contexts.credentials),
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
        case kGnutls:
          measure(kGnutls, gnutls_);
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
  double sends(int way) const { return send_[way].median(); }
  double receives(int way) const { return receive_[way].median(); }
  bool is_direct() const { return path_.is_direct() && !base_.is_direct(); }

 private:
  template <class Endpoint>
  void measure(int way, Endpoint& endpoint) {
    endpoint.seal(load_, data_.data(), send_[way]);
    endpoint.open(load_, data_.data(), receive_[way]);
  }

  Load load_;
  RawCipher raw_;
  PlainServer plain_;
  GnutlsServer gnutls_;
  MachineServer base_, path_;
  Samples send_[kWays], receive_[kWays];
  std::vector<char> data_ = std::vector<char>(OPENSSL_MAX_PLAINTEXT, 'x');
};

void compare(Report& report, Figures& figures, const Suite& suite, const Contexts& contexts, const Size& size,
             int rounds) {
  Comparison comparison(suite, contexts, size.bytes);
  for (int i = 0; i < rounds; ++i) comparison.round(i);
  require(comparison.is_direct(), "being on the record path");
  for (int way = 0; way < kWays; ++way)
    report.row({std::string(suite.name) + ", " + size.name + ", " + kWayNames[way], number(comparison.sends(way), 0),
                number(comparison.sends(kRaw) / comparison.sends(way), 2), number(comparison.receives(way), 0),
                number(comparison.receives(kRaw) / comparison.receives(way), 2)});
  const struct {
    int way;
    const char* name;
  } peers[] = {{kRaw, "_of_raw"}, {kPlain, "_over_plain"}, {kGnutls, "_over_gnutls"}, {kBase, "_over_base"}};
  for (const auto& peer : peers) {
    const auto figure = [&](const char* direction, double ratio) {
      figures.emplace_back(std::string(direction) + size.name + peer.name + suite.suffix, ratio);
    };
    figure("send_", comparison.sends(peer.way) / comparison.sends(kPath));
    figure("recv_", comparison.receives(peer.way) / comparison.receives(kPath));
  }
}

bool wanted(const Suite& suite, const std::string& only) {
  return only.empty() || only == (*suite.suffix ? suite.suffix + 1 : "tls13");
}

}  // namespace

void run_throughput(Report& report, Figures& figures, const Credentials& credentials, const Settings& settings) {
  report.title("Application data, p50, nanoseconds a record, and the cipher's share of them");
  report.row({"", "send", "of raw", "receive", "of raw"});
  for (const Suite& suite : kSuites) {
    if (!wanted(suite, settings.only)) continue;
    const Contexts contexts(suite, credentials);
    for (const Size& size : kSizes) compare(report, figures, suite, contexts, size, settings.rounds(400, 2));
  }
}

}  // namespace benchmarks
