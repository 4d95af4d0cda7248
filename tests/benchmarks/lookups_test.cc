// Runs the benchmark of the lookups with a few rounds: every figure is printed. Says nothing about speed.
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace {

TEST(LookupsBenchmark, PrintsEachFigure) {
  std::FILE* output = popen("benchmarks/lookups --quick", "r");
  ASSERT_NE(output, nullptr);
  std::set<std::string> figures;
  char line[512], name[128];
  double value;
  while (std::fgets(line, sizeof line, output))
    if (std::sscanf(line, "FIGURE %127s %lf", name, &value) == 2) figures.insert(name);
  EXPECT_EQ(pclose(output), 0);
  for (const char* figure : {"slow_store_rate_ratio", "slow_store_longest_call_ratio", "lookup_suspension_us",
                             "slow_store_plain_rate_ratio"})
    EXPECT_TRUE(figures.contains(figure)) << figure;
}

TEST(LookupsBenchmark, RefusesWhatItDoesNotKnow) {
  EXPECT_NE(std::system("benchmarks/lookups --no-such-option 2>/dev/null"), 0);
}

}  // namespace
