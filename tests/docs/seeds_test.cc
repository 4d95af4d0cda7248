// docs/seeds.md refers to files and tests that exist.
#include <gtest/gtest.h>

#include <regex>

#include "tests/docs/page.h"

namespace {

const std::string kPage = read_source("docs/seeds.md");

TEST(SeedsPage, RefersToFilesThatExist) {
  const std::vector<Link> links = links_of(kPage);
  ASSERT_GE(links.size(), 50u);
  for (const Link& link : links) EXPECT_NE(read_source(link.path), "") << link.path;
}

// A link of the form `Suite.Name` is to the file of that test.
TEST(SeedsPage, NamesTestsThatExist) {
  static const std::regex test("`(\\w+)\\.(\\w+)`");
  int tests = 0;
  for (const Link& link : links_of(kPage)) {
    std::smatch name;
    if (!std::regex_match(link.text, name, test)) continue;
    ++tests;
    const std::regex definition("TEST(_[FP])?\\(" + name[1].str() + ", " + name[2].str() + "\\)");
    const std::string source = read_source(link.path);
    EXPECT_TRUE(std::regex_search(source, definition)) << link.path << " has no test " << link.text;
  }
  EXPECT_GE(tests, 35);
}

TEST(SeedsPage, AnswersEachDocument) {
  for (const char* heading : {"Dan Kegel, 2000", "Asynchronous SChannel Servers", "SSL Server with OpenSSL Memory BIO", "Async TLS",
                              "non blocking sockets"})
    EXPECT_NE(kPage.find(heading), std::string::npos) << heading;
}

}  // namespace
