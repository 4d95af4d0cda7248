// The figures of the core beside plain libssl on memory BIOs, in one run.
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <vector>

#include <openssl/crypto.h>

#include "benchmarks/groups.h"
#include "openssl_event/openssl_event.h"

namespace benchmarks {
namespace {

constexpr double kReported = 0;  // no target

struct Figure {
  const char* name;
  double target;  // at most
};

struct Group {
  void (*run)(Report&, const Settings&);
  std::vector<Figure> figures;
};

const std::vector<Group>& groups() {
  static const std::vector<Group> all = {
      {run_longest_call, {{"longest_call_ratio_rsa2048", 0.40}, {"longest_call_ratio_rsa4096", 0.04}}},
      {run_suspension, {{"suspension_us", 2}, {"offloaded_key_us", kReported}}},
      {run_pool, {{"pool_round_trip_us", kReported}}},
      {run_in_place, {{"in_place_handshake_ratio", 1.02}, {"in_place_handshake_ratio_record_path_on", 1.07}}},
      {run_bulk,
       {{"bulk_16k_ratio", 0.93},
        {"bulk_100b_ratio", 1.10},
        {"bulk_16k_libssl_ratio", kReported},
        {"bulk_100b_libssl_ratio", kReported},
        {"bulk_16k_tls12_ratio", kReported},
        {"bulk_100b_tls12_ratio", kReported}}},
      {run_idle_heap, {{"idle_heap_bytes", 17000}}},
      {run_suspended_resident, {{"suspended_resident_bytes", 80000}}},
      {run_event_cost, {{"event_cost_growth", 1.1}, {"event_cost_random_us", kReported}}},
  };
  return all;
}

using Values = std::map<std::string, double>;

// Runs the group in a child, so that no group finds what another one has left in memory, and adds its figures to `values`.
bool run_group(const Group& group, const Settings& settings, Values& values) {
  int ends[2];
  if (pipe(ends) != 0) return false;
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    close(ends[0]);
    std::FILE* figures = fdopen(ends[1], "w");
    Report report(figures);
    group.run(report, settings);
    std::fflush(nullptr);
    _exit(0);
  }
  close(ends[1]);
  std::FILE* figures = fdopen(ends[0], "r");
  char name[64];
  double value;
  while (std::fscanf(figures, "%63s %lf", name, &value) == 2) values[name] = value;
  std::fclose(figures);
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool wanted(const Group& group, const Settings& settings) {
  for (const Figure& figure : group.figures)
    if (settings.wants(figure.name)) return true;
  return false;
}

template <class Use>
void for_each_value(const Settings& settings, const Values& values, Use&& use) {
  for (const Group& group : groups())
    for (const Figure& figure : group.figures)
      if (const auto value = values.find(figure.name); value != values.end() && settings.wants(figure.name))
        use(figure, value->second);
}

void print(const Settings& settings, const Values& values) {
  std::printf("\n%-32s %12s %12s\n", "figure", "measured", "at most");
  for_each_value(settings, values, [](const Figure& figure, double value) {
    std::printf("%-32s %12.4g", figure.name, value);
    if (figure.target != kReported) std::printf(" %12g  %s", figure.target, value <= figure.target ? "" : "above");
    std::printf("\n");
  });
  std::printf("\n");
  for_each_value(settings, values, [](const Figure& figure, double value) { std::printf("FIGURE %s %.6g\n", figure.name, value); });
}

int usage(std::FILE* out, int status) {
  std::fprintf(out,
               "usage: core [--only NAME] [--quick]\n"
               "Measures the library beside plain libssl on memory BIOs, interleaved, and prints medians; the last lines\n"
               "are \"FIGURE name value\". Takes about three minutes; keep the machine quiet meanwhile.\n"
               "  --only NAME  the figures whose names contain NAME\n"
               "  --quick      a few rounds of each: shows that everything runs, measures nothing\n\nfigures:\n");
  for (const Group& group : groups())
    for (const Figure& figure : group.figures) std::fprintf(out, "  %s\n", figure.name);
  return status;
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
  using namespace benchmarks;
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--help" || option == "-h") return usage(stdout, 0);
    if (option == "--quick")
      settings.quick = true;
    else if (option == "--only" && i + 1 < argc)
      settings.only = argv[++i];
    else
      return usage(stderr, 2);
  }
#ifndef NDEBUG
  std::printf("Built with checks: use --config=opt to measure.\n");
#endif
  std::printf("openssl_event %s, %s%s\n", openssl_version(), OpenSSL_version(OPENSSL_VERSION),
              settings.quick ? ", --quick: no measurement" : "");
  Values values;
  bool done = true, any = false;
  for (const Group& group : groups()) {
    if (!wanted(group, settings)) continue;
    any = true;
    done = run_group(group, settings, values) && done;
  }
  if (!any) return usage(stderr, 2);
  print(settings, values);
  return done ? 0 : 1;
}
