// Every scenario, on plain libssl and under the layer: what a program sees must be the same, call by call.
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "tests/compat/key_files.h"

extern char** environ;

namespace openssl_event::testing {
namespace {

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

struct Outcome {
  int status = -1;
  std::vector<std::string> lines;
};

std::vector<std::string> lines_of(const std::string& name) {
  std::vector<std::string> lines;
  std::ifstream in(name);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The program with its standard output in a file.
Outcome run(const std::string& scenario, const std::vector<std::string>& variables) {
  const std::string out = ::testing::TempDir() + "/differential." + std::to_string(getpid());
  const std::string command = "exec '" + from_environment("DIFFERENTIAL") + "' '" + key_folder() + "' " + scenario + " >'" + out + "'";
  std::vector<std::string> environment = variables;
  for (char** entry = environ; *entry; ++entry) environment.push_back(*entry);
  std::vector<char*> pointers;
  for (std::string& entry : environment) pointers.push_back(entry.data());
  pointers.push_back(nullptr);
  const char* const arguments[] = {"sh", "-c", command.c_str(), nullptr};
  pid_t child;
  Outcome result;
  if (posix_spawn(&child, "/bin/sh", nullptr, nullptr, const_cast<char**>(arguments), pointers.data()) != 0) return result;
  waitpid(child, &result.status, 0);
  result.lines = lines_of(out);
  unlink(out.c_str());
  return result;
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  FILE* pipe = popen(("'" + from_environment("DIFFERENTIAL") + "' 2>&1").c_str(), "r");
  char line[200];
  while (pipe && std::fgets(line, sizeof line, pipe))
    if (line[0] == ' ') all.push_back(std::string(line + 2, std::strlen(line) - 3));
  if (pipe) pclose(pipe);
  return all;
}

// Records take the path from the first one on, unless a test says otherwise.
constexpr const char* kAlways = "OPENSSL_EVENT_RECORD_PATH=always";

// Under the layer, each with the same libssl as the plain run.
std::string layer() {
  char* path = realpath(from_environment("LAYER").c_str(), nullptr);
  const std::string absolute = path ? path : "";
  std::free(path);
  return "LD_PRELOAD=" + absolute;
}

std::vector<std::string> libssl() {
  const std::string folder = from_environment("LIBSSL_FOLDER");
  char* path = folder.empty() ? nullptr : realpath(folder.c_str(), nullptr);
  std::vector<std::string> variables;
  if (path) variables.push_back(std::string("LD_LIBRARY_PATH=") + path);
  std::free(path);
  return variables;
}

struct StatisticsFile {
  const std::string name = ::testing::TempDir() + "/statistics." + std::to_string(getpid());

  ~StatisticsFile() { unlink(name.c_str()); }
  std::vector<std::string> lines() const { return lines_of(name); }
};

class Differential : public ::testing::TestWithParam<std::string> {
 protected:
  void compare(std::vector<std::string> settings) {
    std::vector<std::string> variables = libssl();
    variables.push_back(kAlways);  // what follows may say otherwise
    variables.insert(variables.end(), settings.begin(), settings.end());
    const Outcome plain = run(GetParam(), variables);
    variables.push_back(layer());
    const StatisticsFile statistics;
    variables.push_back("OPENSSL_EVENT_STATS=" + statistics.name);
    const Outcome layered = run(GetParam(), variables);
    ASSERT_EQ(plain.status, 0);
    ASSERT_EQ(layered.status, 0);
    ASSERT_GT(plain.lines.size(), 2u);
    for (std::size_t i = 0, heading = 0; i < plain.lines.size() && i < layered.lines.size(); ++i) {
      if (plain.lines[i].compare(0, 2, "==") == 0) heading = i;
      ASSERT_EQ(plain.lines[i], layered.lines[i]) << plain.lines[heading] << ", line " << i - heading;
    }
    EXPECT_EQ(plain.lines.size(), layered.lines.size());
    if (GetParam().compare(0, 5, "path_") == 0) expect_records(statistics.lines(), settings);
  }

  // What ran under the layer did, or did not, take the record path.
  static void expect_records(const std::vector<std::string>& statistics, const std::vector<std::string>& settings) {
    unsigned long sealed = 0, opened = 0;
    for (const std::string& line : statistics) std::sscanf(line.c_str(), "records sealed %lu, records opened %lu", &sealed, &opened);
    const auto has = [&](const char* setting) { return std::find(settings.begin(), settings.end(), setting) != settings.end(); };
    if (has("OPENSSL_EVENT_RECORD_PATH=on")) return;  // where it is worth it
    const bool is_off = has("OPENSSL_EVENT_RECORD_PATH=off");
    EXPECT_EQ(sealed > 0, !is_off);
    EXPECT_EQ(opened > 0, !is_off);
  }
};

TEST_P(Differential, SameAsPlain) {
  const std::string settings = from_environment("SETTINGS");
  compare(settings.empty() ? std::vector<std::string>() : std::vector<std::string>{settings});
}

INSTANTIATE_TEST_SUITE_P(Scenarios, Differential, ::testing::ValuesIn(names()),
                         [](const ::testing::TestParamInfo<std::string>& scenario) { return scenario.param; });

}  // namespace
}  // namespace openssl_event::testing
