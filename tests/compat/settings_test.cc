// What OPENSSL_EVENT_* do, seen from outside of a program.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace openssl_event::testing {
namespace {

using ::testing::TempDir;

class Settings : public ::testing::Test {
 protected:
  Settings() : file(TempDir() + "/settings." + std::to_string(getpid())) { unlink(file.c_str()); }
  ~Settings() override { unlink(file.c_str()); }

  // The program's status; what it writes to stderr is in `errors`.
  int run(const std::string& variables, const std::string& command) {
    const std::string line = variables + " '" + std::getenv("PROGRAM") + "' " + command + " 2>&1 >/dev/null";
    std::FILE* pipe = popen(line.c_str(), "r");
    errors.clear();
    char part[500];
    while (std::fgets(part, sizeof part, pipe)) errors += part;
    return pclose(pipe);
  }
  std::string written() const {
    std::ifstream in(file);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }
  static bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

  const std::string file;
  std::string errors;
};

TEST_F(Settings, NoneIsSilent) {
  EXPECT_EQ(run("", "exit"), 0);
  EXPECT_EQ(errors, "");
}

TEST_F(Settings, StatisticsGoToAFileAtExit) {
  EXPECT_EQ(run("OPENSSL_EVENT_STATS=" + file, "exit"), 0);
  EXPECT_TRUE(has(written(), "calls 5, offloaded 5, in place 0")) << written();
  EXPECT_TRUE(has(written(), "run: 5 calls")) << written();
  EXPECT_EQ(errors, "");
}

TEST_F(Settings, RecordPathIsForConnectionsThatAreWorthItUnlessItIsAlwaysOrNever) {
  EXPECT_EQ(run("OPENSSL_EVENT_STATS=stderr", "exit"), 0);
  EXPECT_TRUE(has(errors, "records sealed 0, records opened 0")) << errors;
  EXPECT_EQ(run("OPENSSL_EVENT_RECORD_PATH=always OPENSSL_EVENT_STATS=stderr", "exit"), 0);
  EXPECT_TRUE(has(errors, "records sealed 10, records opened 5")) << errors;  // clients' first records are libssl's: tickets
  EXPECT_EQ(run("OPENSSL_EVENT_RECORD_PATH=off OPENSSL_EVENT_STATS=stderr", "exit"), 0);
  EXPECT_TRUE(has(errors, "records sealed 0, records opened 0")) << errors;
  EXPECT_EQ(run("OPENSSL_EVENT_RECORD_PATH=perhaps", "exit"), 0);
  EXPECT_TRUE(has(errors, "OPENSSL_EVENT_RECORD_PATH=perhaps is not known")) << errors;
}

TEST_F(Settings, OutliveTheEnvironmentThatAProgramWritesItsTitleOver) {
  EXPECT_EQ(run("OPENSSL_EVENT_STATS=" + file, "title"), 0);
  EXPECT_TRUE(has(written(), "calls 5")) << written();
  EXPECT_EQ(errors, "");
}

TEST_F(Settings, StatisticsGoToStderr) {
  EXPECT_EQ(run("OPENSSL_EVENT_STATS=stderr", "exit"), 0);
  EXPECT_TRUE(has(errors, "calls 5")) << errors;
}

TEST_F(Settings, ProgramWithoutTlsReportsNothing) {
  EXPECT_EQ(run("OPENSSL_EVENT_STATS=stderr", "nothing"), 0);
  EXPECT_EQ(errors, "");
}

TEST_F(Settings, StatisticsThatCannotBeWrittenAreAMessage) {
  EXPECT_EQ(run("OPENSSL_EVENT_STATS=/nonexistent/file", "exit"), 0);
  EXPECT_TRUE(has(errors, "OPENSSL_EVENT_STATS=/nonexistent/file cannot be written: No such file")) << errors;
}

TEST_F(Settings, SignalWritesThem) {
  EXPECT_EQ(run("OPENSSL_EVENT_STATS_SIGNAL=12 OPENSSL_EVENT_STATS=" + file, "signal"), 0);
  EXPECT_TRUE(has(written(), "calls 5")) << written();
}

TEST_F(Settings, HandlerOfTheProgramIsNotReplaced) {
  EXPECT_EQ(run("OPENSSL_EVENT_STATS_SIGNAL=12", "own-handler"), 0);
  EXPECT_TRUE(has(errors, "OPENSSL_EVENT_STATS_SIGNAL=12: the program uses this signal itself")) << errors;
}

TEST_F(Settings, WithoutItTheSignalDoesWhatItDoes) { EXPECT_TRUE(WIFEXITED(run("", "own-handler"))); }

TEST_F(Settings, TraceTellsKindsAndLengths) {
  EXPECT_EQ(run("OPENSSL_EVENT_TRACE=" + file, "exit"), 0);
  EXPECT_TRUE(has(written(), "offloaded key: EC-256")) << written();
  EXPECT_TRUE(has(written(), "suspended: ENGINE_CALL_OUT")) << written();
}

TEST_F(Settings, OffLeavesEverythingToLibssl) {
  EXPECT_EQ(run("OPENSSL_EVENT_OFFLOAD=off OPENSSL_EVENT_STATS=stderr", "exit"), 0);
  EXPECT_TRUE(has(errors, "calls 0")) << errors;
}

TEST_F(Settings, InlineExecutesInPlace) {
  EXPECT_EQ(run("OPENSSL_EVENT_NONBLOCKING=inline OPENSSL_EVENT_STATS=stderr", "exit"), 0);
  EXPECT_TRUE(has(errors, "calls 5, offloaded 0, in place 5")) << errors;
}

TEST_F(Settings, WaitGivesNoAnswers) {
  EXPECT_EQ(run("OPENSSL_EVENT_NONBLOCKING=wait OPENSSL_EVENT_STATS=stderr", "exit"), 0);
  EXPECT_TRUE(has(errors, "calls 5, offloaded 5")) << errors;
  EXPECT_TRUE(has(errors, "answered WANT 0")) << errors;
}

TEST_F(Settings, WorkersAreAsManyAsAsked) {
  EXPECT_EQ(run("OPENSSL_EVENT_WORKERS=3 OPENSSL_EVENT_STATS=stderr", "exit"), 0);
  EXPECT_TRUE(has(errors, "workers 3")) << errors;
}

TEST_F(Settings, WrongValuesAreAMessageAndTheDefault) {
  const struct {
    const char *setting, *message;
  } wrong[] = {
      {"OPENSSL_EVENT_OFFLOAD=more", "OPENSSL_EVENT_OFFLOAD=more is not known; it takes off sign all; using sign"},
      {"OPENSSL_EVENT_NONBLOCKING=maybe", "it takes edge wait inline; using edge"},
      {"OPENSSL_EVENT_WORKERS=many", "OPENSSL_EVENT_WORKERS=many is not a number from 1 to 1024; ignored"},
      {"OPENSSL_EVENT_WORKERS=0", "OPENSSL_EVENT_WORKERS=0 is not a number"},
      {"OPENSSL_EVENT_NICE=20", "OPENSSL_EVENT_NICE=20 is not a number from 0 to 19; ignored"},
      {"OPENSSL_EVENT_STATS_SIGNAL=-3", "OPENSSL_EVENT_STATS_SIGNAL=-3 is not a number from 1 to"}};
  for (const auto& each : wrong) {
    EXPECT_EQ(run(std::string("OPENSSL_EVENT_STATS=stderr ") + each.setting, "exit"), 0);
    EXPECT_TRUE(has(errors, each.message)) << errors;
    EXPECT_TRUE(has(errors, "calls 5, offloaded 5")) << errors;
  }
}

TEST_F(Settings, SetUserIdProgramsIgnoreThem) {
  EXPECT_EQ(run("OPENSSL_EVENT_STATS=stderr OPENSSL_EVENT_WORKERS=nonsense", "secure"), 0);
  EXPECT_EQ(errors, "");
}

}  // namespace
}  // namespace openssl_event::testing
