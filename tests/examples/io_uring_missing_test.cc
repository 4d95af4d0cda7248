// Where the kernel has no io_uring, or an old one, the server says so and ends.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/examples/process.h"

namespace {

void expect_explained(int reason, const std::string& part) {
  const Result result = run({"tests/examples/without_io_uring", std::to_string(reason), "examples/io_uring_https_server", "--port", "0", "--ec"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.output, "") << "it must not say that it listens";
  EXPECT_TRUE(contains(result.errors, "io_uring_https_server: this kernel lacks the io_uring that is needed")) << result.errors;
  EXPECT_TRUE(contains(result.errors, part)) << result.errors;
  EXPECT_TRUE(contains(result.errors, "https_server does the same by epoll")) << result.errors;
}

TEST(WithoutIoUring, ItIsSaid) { expect_explained(ENOSYS, "built without"); }
TEST(WithoutIoUring, AForbiddenOneIsSaid) { expect_explained(EPERM, "/proc/sys/kernel/io_uring_disabled"); }
TEST(WithoutIoUring, AnOldOneIsSaid) { expect_explained(EINVAL, "older than Linux 6.1"); }

}  // namespace
