// A real browser loads the servers' page: headless Chromium, the self-signed certificate accepted by a flag.
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "tests/examples/server.h"

namespace {

std::string temporary(const std::string& name) { return std::string(std::getenv("TEST_TMPDIR")) + "/" + name; }

// It talks to this server only, and has no sandbox where it cannot have one: as root.
Command chromium(const Command& arguments) {
  Command command = {"chromium", "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync",
                     "--disable-extensions", "--disable-default-apps",
                     "--ignore-certificate-errors", "--user-data-dir=" + temporary("profile")};
  if (geteuid() == 0) command.push_back("--no-sandbox");
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

struct Browser : testing::TestWithParam<const char*> {
  static void SetUpTestSuite() { setenv("HOME", std::getenv("TEST_TMPDIR"), 1); }
};

TEST_P(Browser, ShowsWhatWasNegotiatedAndWhereTheSignatureRan) {
  Server server({std::string("examples/") + GetParam(), "--port", "0", "--workers", "1"});
  const Result result = run(chromium({"--dump-dom", "https://localhost:" + std::to_string(server.port()) + "/"}));
  EXPECT_EQ(result.status, 0) << result.errors;
  for (const char* part : {"<h1>It works</h1>", "<th>Version</th><td>TLSv1.3</td>", "<th>Application protocol</th><td>http/1.1</td>",
                           "<th>Server name</th><td>localhost</td>", "<th>Signature</th><td>executed by tls-worker-0</td>"})
    EXPECT_TRUE(contains(result.output, part)) << part << " is missing in:\n" << result.output << result.errors;
  EXPECT_GE(server.metric(R"(openssl_event_engine_calls_total{operation="sign",executed="worker"})"), 1);
  EXPECT_EQ(server.stop(), 0) << server.process().errors();
}

// The picture stays in the test's temporary directory.
TEST_P(Browser, PaintsThePage) {
  Server server({std::string("examples/") + GetParam(), "--port", "0", "--ec"});
  const std::string picture = temporary("page.png");
  const Result result = run(chromium({"--window-size=800,600", "--screenshot=" + picture, server.url("/")}));
  EXPECT_EQ(result.status, 0) << result.errors;
  std::ifstream file(picture, std::ios::binary);
  char signature[8] = {};
  EXPECT_TRUE(file.read(signature, sizeof signature)) << "no picture: " << result.errors;
  EXPECT_EQ(std::string(signature, sizeof signature), "\x89PNG\r\n\x1a\n");
  EXPECT_EQ(server.stop(), 0) << server.process().errors();
}

INSTANTIATE_TEST_SUITE_P(Servers, Browser, testing::Values("https_server", "io_uring_https_server"),
                         [](const auto& name) { return std::string(name.param); });

}  // namespace
