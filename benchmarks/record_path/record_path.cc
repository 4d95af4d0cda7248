// What the record path gains in time and memory, in one run with what it is compared with.
#include <cstring>

#include "benchmarks/record_path/parts.h"
#include "openssl_event/openssl_event.h"

namespace benchmarks {
namespace {

int usage(std::FILE* out, int status) {
  std::fprintf(
      out,
      "usage: record_path [--only PART] [--quick]\n"
      "Measures sealing and opening of application data beside the cipher alone, libssl on memory BIOs, GnuTLS,\n"
      "and a machine without the record path, interleaved, and prints medians; then what idle connections\n"
      "keep. The last lines are \"FIGURE name value\".\n"
      "  --only PART  data with one suite: tls13, tls12, chacha, chacha_tls12; or idle\n"
      "  --quick      a few rounds of each: shows that everything runs, measures nothing\n");
  return status;
}

constexpr const char* kParts[] = {"", "tls13", "tls12", "chacha", "chacha_tls12", "idle"};

bool parse(int argc, char** argv, Settings& settings) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--quick") == 0)
      settings.quick = true;
    else if (std::strcmp(argv[i], "--only") == 0 && i + 1 < argc)
      settings.only = argv[++i];
    else
      return false;
  }
  for (const char* part : kParts)
    if (settings.only == part) return true;
  return false;
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
  using namespace benchmarks;
  if (argc == 2 && std::strcmp(argv[1], "--help") == 0) return usage(stdout, 0);
  Settings settings;
  if (!parse(argc, argv, settings)) return usage(stderr, 2);
#ifndef NDEBUG
  std::printf("Built with checks: use --config=opt to measure.\n");
#endif
  std::printf("openssl_event %s, %s\n", openssl_version(), OpenSSL_version(OPENSSL_VERSION));
  const Credentials credentials = make_credentials(KeyKind::p256);
  Report report(nullptr);
  Figures figures;
  if (settings.only != "idle") run_throughput(report, figures, credentials, settings);
  if (settings.only.empty() || settings.only == "idle") {
    run_idle_heap(report, figures, credentials, settings);
    run_idle_100k(report, figures, credentials, settings);
  }
  std::printf("\n");
  for (const auto& [name, value] : figures) std::printf("FIGURE %s %.4g\n", name.c_str(), value);
  return 0;
}
