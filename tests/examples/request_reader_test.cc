// HTTP requests, cut anywhere.
#include "examples/https_server/request.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "examples/https_server/syntax.h"

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
    if (state == State::lost) return log + "lost\n";
    if (state == State::refused) return log + std::to_string(reader.refusal()) + "\n";
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

// Two requests, the first with this head and body, are read as two.
void expect_body_skipped(const std::string& fields, const std::string& body) {
  expect_at_every_split("POST /a HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body + "GET /b HTTP/1.1\r\nHost: a\r\n\r\n",
                        "POST /a keep\nGET /b keep\n");
}

void expect_refused(int status, const std::string& text) { expect_at_every_split(text, std::to_string(status) + "\n"); }

// After the head, which is answered before its body comes.
void expect_lost(const std::string& body) {
  expect_at_every_split("POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body, "POST /a keep\nlost\n");
}

TEST(RequestReader, SkipsABodyOfKnownLength) {
  expect_body_skipped("Content-Length: 8\r\n", "GET / \n\n");
  expect_body_skipped("Content-Length: 0\r\n", "");
  expect_body_skipped("Content-Length: 003\r\nContent-Length: 3\r\n", "abc");
}

TEST(RequestReader, SkipsABodyInChunks) {
  expect_body_skipped("Transfer-Encoding: chunked\r\n", "0\r\n\r\n");
  expect_body_skipped("Transfer-Encoding: Chunked\r\n", "3\r\na\r\n\r\n00a\r\n0123456789\r\n0\r\n\r\n");
  expect_body_skipped("Transfer-Encoding: , chunked\r\n", "1;name=value\r\na\r\n0;last\r\nTrailer: x\r\nOther: y\r\n\r\n");
}

TEST(RequestReader, RefusesWhatIsNoChunk) {
  for (const char* body : {"x\r\n", "\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", " 1\r\n", ";a\r\n", "10000000000000000\r\n", "1\na\n0\n\n", "1\r\nab\r\n",
                           "1\r\na\n", "1;\x01\r\n", "1\r2\r\n", "0\r\nA: \rb\r\n"})
    expect_lost(body);
  expect_lost("1;" + std::string(5000, 'x'));
  std::string trailers = "0\r\n";
  for (int i = 0; i < 500; ++i) trailers += "Name: value\r\n";
  EXPECT_EQ(read_in_pieces("POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + trailers, 1000), "POST /a keep\nlost\n");
}

TEST(RequestReader, RefusesWhatIsNoHttp1) {
  for (const char* text : {"hello\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", "GET / http/1.1\r\nHost: a\r\n\r\n",
                           "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "GET  HTTP/1.1\r\nHost: a\r\n\r\n", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
                           "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"})
    expect_refused(400, text);
}

// RFC 9110 2.5
TEST(RequestReader, ReadsAnyMinorVersionAndNoOtherMajorOne) {
  expect_at_every_split("GET / HTTP/1.2\r\nHost: a\r\n\r\n", "GET / keep\n");
  for (const char* text : {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "PRI * HTTP/2.0\r\n\r\n", "GET / HTTP/0.9\r\n\r\n"}) expect_refused(505, text);
}

// RFC 9112 3.2
TEST(RequestReader, TakesTheFormsOfATarget) {
  for (const std::string target : {"GET /", "GET //", "GET /a?b?c%", "GET /%41", "GET https://a", "GET HTTP://a:1/b", "GET https://[::1]?c", "OPTIONS *",
                                   "CONNECT a:443"})
    expect_at_every_split(target + " HTTP/1.1\r\nHost: a\r\n\r\n", target + " keep\n");
  for (const std::string target : {"GET *", "GET a", "GET a/b", "GET ftp://a/", "GET https://", "GET https:///a", "GET https://a b/", "GET /%", "GET /%4",
                                   "GET /%zz", "GET /%00", "CONNECT a", "CONNECT /", "GET https://u@a/"})
    expect_refused(400, target + " HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST(RequestReader, RefusesAHeadWithoutOneHost) {
  expect_refused(400, "GET / HTTP/1.1\r\n\r\n");
  expect_refused(400, first_line_of("Host: b\r\n"));
  for (const std::string host : {"", "a b", "a/b", "a:x", "u@a", "[::1", "::1", "[g]", "a%", "a%00"})
    expect_refused(400, "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
  for (const std::string host : {"a", "a.b:1", "a:", "1.2.3.4", "[::1]", "[::ffff:1.2.3.4]:443", "x_y%41"})
    expect_at_every_split("GET / HTTP/1.1\r\nHost:" + host + "\r\n\r\n", "GET / keep\n");
}

TEST(RequestReader, RefusesFieldsThatCouldMeanTwoThings) {
  for (const std::string field : {"Name : x\r\n", ": x\r\n", "no colon\r\n", " folded: x\r\n", "Content-Length: -1\r\n", "Content-Length: +1\r\n",
                                  "Content-Length: 1x\r\n", "Content-Length:\r\n", "Content-Length: 1, 1\r\n",
                                  "Content-Length: 1\r\nContent-Length: 2\r\n", "Transfer-Encoding:\r\n", "Transfer-Encoding: gzip\r\n",
                                  "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding: chunked, gzip\r\n",
                                  "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                                  "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                                  "Name: a\rb\r\n", "Name: a\r\r\n", "Name: a\x7f\r\n"})
    expect_refused(400, first_line_of(field));
  expect_refused(400, first_line_of(std::string("Name: a\0b\r\n", 11)));
  expect_refused(400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST(RequestReader, RefusesWhatItCannotDo) {
  expect_refused(501, first_line_of("Transfer-Encoding: gzip, chunked\r\n"));
  expect_refused(413, first_line_of("Content-Length: 99999999999999999999\r\n"));
}

// RFC 9112 9.3
TEST(RequestReader, KeepsTheConnectionIfBothWish) {
  expect_at_every_split(first_line_of("Connection: keep-alive\r\nConnection: x, close\r\n"), "GET / close\n");
  expect_at_every_split("GET / HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n", "GET / close\n");
  expect_at_every_split(first_line_of("Expect: 100-continue\r\n"), "GET / keep\n");
  expect_at_every_split(first_line_of("Expect: 100-continue\r\nContent-Length: 5\r\n"), "GET / close\n");
}

TEST(RequestReader, FindsThePathOfATarget) {
  EXPECT_EQ(path_of("/a/b?c"), "/a/b");
  EXPECT_EQ(path_of("/%61%2Fb%ff?%"), "/a/b\xff");
  EXPECT_EQ(path_of("https://h:1/a?b"), "/a");
  EXPECT_EQ(path_of("HTTP://h"), "/");
  EXPECT_EQ(path_of("http://h?/a"), "/");
}

TEST(RequestReader, TakesAHeadUpToItsLimitAndNoLonger) {
  const std::size_t others = first_line_of("A: \r\n").size();
  const std::string fits = first_line_of("A: " + std::string(RequestReader::kMostHead - others, 'x') + "\r\n");
  const std::string too_large = first_line_of("A: " + std::string(RequestReader::kMostHead - others + 1, 'x') + "\r\n");
  EXPECT_EQ(read_in_pieces(fits, fits.size()), "GET / keep\n");
  EXPECT_EQ(read_in_pieces(too_large, too_large.size()), "431\n");
  for (const std::size_t size : {1000u, 100000u}) {
    EXPECT_EQ(read_in_pieces(std::string(90000, 'x'), size), "414\n");
    EXPECT_EQ(read_in_pieces("GET /" + std::string(90000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", size), "414\n");
  }
}

TEST(RequestReader, NeverTakesMoreThanItWasGiven) {
  RequestReader reader;
  std::size_t taken = 99;
  EXPECT_EQ(reader.take("", 0, &taken), State::partial);
  EXPECT_EQ(taken, 0u);
}

}  // namespace
}  // namespace https
