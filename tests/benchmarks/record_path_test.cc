// Runs the benchmark of the record path with a few rounds: every figure is printed. Says nothing about speed.
#include <cstdio>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace {

TEST(RecordPathBenchmark, PrintsEachFigure) {
  std::FILE* output = popen("benchmarks/record_path --quick", "r");
  ASSERT_NE(output, nullptr);
  std::set<std::string> figures;
  char line[512], name[128];
  double value;
  while (std::fgets(line, sizeof line, output))
    if (std::sscanf(line, "FIGURE %127s %lf", name, &value) == 2) figures.insert(name);
  EXPECT_EQ(pclose(output), 0);
  for (const char* direction : {"send_", "recv_"})
    for (const char* size : {"16k", "4k", "1k", "100b"})
      for (const char* beside : {"_of_raw", "_over_plain", "_over_gnutls", "_over_base"})
        for (const char* suite : {"", "_tls12", "_chacha"})
          EXPECT_TRUE(figures.contains(std::string(direction) + size + beside + suite))
              << direction << size << beside << suite;
  for (const char* figure : {"idle_heap_bytes_base", "idle_heap_bytes_ssl_kept", "idle_heap_bytes_ssl_freed",
                             "idle_100k_resident_mb", "idle_100k_event_cost_growth"})
    EXPECT_TRUE(figures.contains(figure)) << figure;
}

TEST(RecordPathBenchmark, RefusesWhatItDoesNotKnow) {
  EXPECT_NE(std::system("benchmarks/record_path --no-such-option 2>/dev/null"), 0);
}

}  // namespace
