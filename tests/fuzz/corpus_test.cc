// Feeds every file of a fuzz target's corpus to it once: what a fuzzer has found stays found.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

std::vector<std::uint8_t> read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(Corpus, EveryInputKeepsThePromises) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(OE_CORPUS)) {
    std::fprintf(stderr, "%s\n", entry.path().filename().c_str());  // the last line names the one that failed
    const auto bytes = read(entry.path());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    ++count;
  }
  EXPECT_GT(count, 0) << "no corpus in " << OE_CORPUS;
}

TEST(Corpus, AnEmptyInputIsHarmless) { LLVMFuzzerTestOneInput(nullptr, 0); }

}  // namespace
