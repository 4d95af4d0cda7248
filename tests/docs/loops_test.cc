// docs/loops.md shows the code of the programs, word for word, and the same of each loop.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/docs/page.h"

namespace {

const std::string kPage = read_source("docs/loops.md");

TEST(LoopsPage, ShowsTheCompiledCode) {
  const std::vector<Excerpt> excerpts = excerpts_of(kPage);
  ASSERT_GE(excerpts.size(), 12u);
  for (const Excerpt& excerpt : excerpts) {
    const std::string source = read_source(excerpt.path);
    ASSERT_NE(source, "") << "no such file: '" << excerpt.path << "'";
    EXPECT_NE(("\n" + source).find("\n" + excerpt.code), std::string::npos) << excerpt.path << " has no longer:\n" << excerpt.code;
  }
}

TEST(LoopsPage, ShowsAtMostThirtyLinesOfEachLoop) {
  std::map<std::string, long> lines;
  for (const Excerpt& excerpt : excerpts_of(kPage))
    lines[excerpt.path] += std::count(excerpt.code.begin(), excerpt.code.end(), '\n');
  for (const char* loop : {"examples/echo_server.cc", "examples/epoll_echo_server.cc", "examples/io_uring_echo_server.cc",
                           "adapters/uv/openssl_uv.cc"}) {
    EXPECT_GE(lines[loop], 15) << loop;
    EXPECT_LE(lines[loop], 30) << loop;
  }
}

TEST(LoopsPage, AProgramToStartFromIsShort) {
  for (const char* program : {"examples/echo_server.cc", "examples/epoll_echo_server.cc", "examples/io_uring_echo_server.cc",
                              "examples/uv_echo_server.c", "examples/uv_client.c", "examples/kegel_poll_server.c",
                              "examples/https_server/epoll_loop.cc", "examples/io_uring_https_server/main.cc"}) {
    const std::string source = read_source(program);
    ASSERT_NE(source, "") << program;
    EXPECT_LT(std::count(source.begin(), source.end(), '\n'), 200) << program;
  }
}

TEST(LoopsPage, RefersToFilesThatExist) {
  for (const Link& link : links_of(kPage)) EXPECT_NE(read_source(link.path), "") << link.path;
}

}  // namespace
