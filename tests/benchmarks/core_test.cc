// Runs the benchmarks of the core with a few rounds each: every figure is printed. Says nothing about speed.
#include <cstdio>
#include <map>
#include <string>

#include <gtest/gtest.h>

namespace {

struct Outcome {
  int status = -1;
  std::map<std::string, double> figures;
};

Outcome run(const std::string& options) {
  Outcome result;
  std::FILE* output = popen(("benchmarks/core " + options).c_str(), "r");
  if (!output) return result;
  char line[512], name[128];
  double value;
  while (std::fgets(line, sizeof line, output))
    if (std::sscanf(line, "FIGURE %127s %lf", name, &value) == 2) result.figures[name] = value;
  result.status = pclose(output);
  return result;
}

TEST(CoreBenchmark, PrintsEachFigure) {
  const Outcome all = run("--quick");
  EXPECT_EQ(all.status, 0);
  for (const char* name :
       {"longest_call_ratio_rsa2048", "longest_call_ratio_rsa4096", "suspension_us", "pool_round_trip_us",
        "in_place_handshake_ratio", "in_place_handshake_ratio_record_path_on", "bulk_16k_ratio", "bulk_100b_ratio", "bulk_16k_libssl_ratio",
        "idle_heap_bytes", "suspended_resident_bytes", "event_cost_growth"})
    EXPECT_EQ(all.figures.count(name), 1u) << name;
}

TEST(CoreBenchmark, PrintsOnlyWhatIsAskedFor) {
  const Outcome some = run("--quick --only idle_heap");
  EXPECT_EQ(some.status, 0);
  EXPECT_EQ(some.figures.size(), 1u);
  EXPECT_EQ(some.figures.count("idle_heap_bytes"), 1u);
}

TEST(CoreBenchmark, RefusesAFigureThatItDoesNotHave) {
  EXPECT_NE(run("--quick --only no_such_figure 2>/dev/null").status, 0);
}

}  // namespace
