// Where the kernel has no io_uring, or an old one, the server says so and ends.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/examples/process.h"

namespace {

std::string errors_of(int reason, const std::string& server) {
  const Result result = run({"tests/examples/without_io_uring", std::to_string(reason), "examples/" + server, "--port", "0"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.output, "") << "it must not say that it listens";
  EXPECT_TRUE(contains(result.errors, server + ": this kernel lacks the io_uring that is needed")) << result.errors;
  return result.errors;
}

void expect_explained(int reason, const std::string& part) {
  const std::string https = errors_of(reason, "io_uring_https_server"), echo = errors_of(reason, "io_uring_echo_server");
  EXPECT_TRUE(contains(https, part) && contains(echo, part)) << https << echo;
  EXPECT_TRUE(contains(https, "https_server does the same by epoll")) << https;
}

TEST(WithoutIoUring, ItIsSaid) { expect_explained(ENOSYS, "built without"); }
TEST(WithoutIoUring, AForbiddenOneIsSaid) { expect_explained(EPERM, "/proc/sys/kernel/io_uring_disabled"); }
TEST(WithoutIoUring, AnOldOneIsSaid) { expect_explained(EINVAL, "older than Linux 6.1"); }

}  // namespace
