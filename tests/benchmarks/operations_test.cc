// Runs the benchmark of the operations with a few rounds: every figure is printed. Says nothing about speed.
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace {

TEST(OperationsBenchmark, PrintsEachFigure) {
  std::FILE* output = popen("benchmarks/operations --quick", "r");
  ASSERT_NE(output, nullptr);
  std::set<std::string> figures;
  char line[512], name[128];
  double value;
  while (std::fgets(line, sizeof line, output))
    if (std::sscanf(line, "FIGURE %127s %lf", name, &value) == 2) figures.insert(name);
  EXPECT_EQ(pclose(output), 0);
  for (const char* figure : {"longest_call_ratio_all_rsa2048", "longest_call_ratio_all_p256",
                             "network_thread_ratio_all_rsa2048", "all_in_place_ratio", "all_in_place_ratio_p256"})
    for (const char* variant : {"", "_tickets", "_capture", "_tickets_capture"})
      EXPECT_TRUE(figures.contains(std::string(figure) + variant)) << figure << variant;
}

TEST(OperationsBenchmark, RefusesWhatItDoesNotKnow) {
  EXPECT_NE(std::system("benchmarks/operations --no-such-option 2>/dev/null"), 0);
}

}  // namespace
