// HTTP heads, cut anywhere.
#include "examples/https_server/request.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace https {
namespace {

using State = RequestReader::State;

// What the reader makes of the text in pieces of `size`: a line for each request, the last one for how it ended.
std::string read_in_pieces(const std::string& text, std::size_t size) {
  RequestReader reader;
  std::string log;
  std::size_t at = 0, begun = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(begun + size, text.size());
    std::size_t taken = 0;
    const State state = reader.take(text.data() + at, end - at, &taken);
    at += taken;
    if (at == end) begun = end;
    if (state == State::bad) return log + "bad\n";
    if (state == State::too_large) return log + "too large\n";
    const Request& r = reader.request();
    if (state == State::complete)
      log.append(r.method).append(" ").append(r.target).append(r.keep_alive ? " keep\n" : " close\n");
  }
  return log;
}

void expect_at_every_split(const std::string& text, const std::string& log) {
  for (std::size_t size = 1; size <= text.size(); ++size) EXPECT_EQ(read_in_pieces(text, size), log) << "pieces of " << size;
}

std::string first_line_of(const std::string& fields) { return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n"; }

TEST(RequestReader, ReadsPipelinedHeadsAtEverySplit) {
  expect_at_every_split(
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
      "HEAD /x?y HTTP/1.1\r\nhost:a\r\nConnection: foo, Close\r\n\r\n"
      "\r\nGET /old HTTP/1.0\r\n\r\n"
      "GET /kept HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      "GET / keep\nHEAD /x?y close\nGET /old close\nGET /kept keep\n");
}

TEST(RequestReader, TakesLinesThatEndWithoutCarriageReturn) { expect_at_every_split("GET / HTTP/1.0\n\n", "GET / close\n"); }

TEST(RequestReader, SkipsABodyOfKnownLength) {
  expect_at_every_split("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nGET / \n\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n",
                        "POST /a keep\nbad\n");
  expect_at_every_split("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nGET / \n\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n",
                        "POST /a keep\nGET /b keep\n");
}

TEST(RequestReader, RefusesWhatIsNoHttp1) {
  for (const char* text : {"hello\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", "GET  HTTP/1.1\r\nHost: a\r\n\r\n",
                           "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
                           "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"})
    expect_at_every_split(text, "bad\n");
}

TEST(RequestReader, RefusesAHeadWithoutOneHost) {
  expect_at_every_split("GET / HTTP/1.1\r\n\r\n", "bad\n");
  expect_at_every_split(first_line_of("Host: b\r\n"), "bad\n");
}

TEST(RequestReader, RefusesFieldsThatCouldMeanTwoThings) {
  for (const char* field : {"Name : x\r\n", ": x\r\n", "no colon\r\n", " folded: x\r\n", "Content-Length: -1\r\n",
                            "Content-Length: 1x\r\n", "Content-Length:\r\n", "Content-Length: 99999999999999999999\r\n",
                            "Content-Length: 1\r\nContent-Length: 2\r\n", "Transfer-Encoding: chunked\r\n"})
    expect_at_every_split(first_line_of(field), "bad\n");
}

TEST(RequestReader, TakesAHeadUpToItsLimitAndNoLonger) {
  const std::size_t others = first_line_of("A: \r\n").size();
  const std::string fits = first_line_of("A: " + std::string(RequestReader::kMostHead - others, 'x') + "\r\n");
  const std::string too_large = first_line_of("A: " + std::string(RequestReader::kMostHead - others + 1, 'x') + "\r\n");
  EXPECT_EQ(read_in_pieces(fits, fits.size()), "GET / keep\n");
  EXPECT_EQ(read_in_pieces(too_large, too_large.size()), "too large\n");
  EXPECT_EQ(read_in_pieces(std::string(100000, 'x'), 1000), "too large\n");
}

TEST(RequestReader, NeverTakesMoreThanItWasGiven) {
  RequestReader reader;
  std::size_t taken = 99;
  EXPECT_EQ(reader.take("", 0, &taken), State::partial);
  EXPECT_EQ(taken, 0u);
}

}  // namespace
}  // namespace https
