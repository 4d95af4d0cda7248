// The parser of records and hellos: every split, every record, and nothing that is not there.
#include <cstring>
#include <string>
#include <vector>

#include "openssl_event/openssl_records.h"
#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

// What the callbacks say, as text.
struct Log {
  std::string text;
  std::string fragments;
  int stop_at = -1;
  int records = 0;

  static Log& of(OPENSSL_RECORD_PARSER* parser) { return *static_cast<Log*>(parser->user); }
  static int record(OPENSSL_RECORD_PARSER* parser) {
    Log& log = of(parser);
    log.text += std::to_string(parser->type) + ":" + std::to_string(parser->length) + " ";
    return log.records++ == log.stop_at;
  }
  static int fragment(OPENSSL_RECORD_PARSER* parser, const char* data, std::size_t len) {
    of(parser).fragments.append(data, len);
    return 0;
  }
  static int end(OPENSSL_RECORD_PARSER* parser) {
    of(parser).text += "end ";
    return 0;
  }
};

constexpr OPENSSL_RECORD_CALLBACKS kCallbacks = {sizeof kCallbacks, Log::record, Log::fragment, Log::end};

const std::string kStream = std::string(
    "\x16\x03\x01\x00\x04"
    "abcd"
    "\x14\x03\x03\x00\x01"
    "e"
    "\x17\x03\x03\x00\x00",
    20);
constexpr char kExpected[] = "22:4 end 20:1 end 23:0 end ";

class RecordParser : public ::testing::Test {
 protected:
  RecordParser() { openssl_initRecordParser(&parser, &kCallbacks, &log); }
  std::size_t parse(const std::string& bytes) { return openssl_parseRecords(&parser, bytes.data(), bytes.size()); }

  OPENSSL_RECORD_PARSER parser;
  Log log;
};

TEST_F(RecordParser, SeesTheSameInEverySplit) {
  for (std::size_t portion = 1; portion <= kStream.size(); ++portion) {
    log = {};
    openssl_initRecordParser(&parser, &kCallbacks, &log);
    for (std::size_t at = 0; at < kStream.size(); at += portion) {
      const std::string part = kStream.substr(at, portion);
      ASSERT_EQ(parse(part), part.size());
    }
    EXPECT_EQ(log.text, kExpected) << portion;
    EXPECT_EQ(log.fragments, "abcde") << portion;
    EXPECT_EQ(parser.offset, kStream.size());
  }
}

TEST_F(RecordParser, StopsAndGoesOn) {
  log.stop_at = 1;
  const std::size_t taken = parse(kStream);
  EXPECT_EQ(parser.error, OPENSSL_PARSE_STOPPED);
  EXPECT_EQ(taken, 14u);
  EXPECT_EQ(parse(kStream.substr(taken)), kStream.size() - taken);
  EXPECT_EQ(log.text, kExpected);
}

TEST_F(RecordParser, RefusesWhatIsNoTls) {
  for (const std::string& bytes : {std::string("GET / HTTP/1.1"),
                                   std::string("\x16\x02\x00\x00\x04"
                                               "abcd",
                                               9),
                                   std::string("\x17\x03\x03\xff\xff")}) {
    openssl_initRecordParser(&parser, &kCallbacks, &log);
    EXPECT_EQ(parse(kStream + bytes), kStream.size());
    EXPECT_EQ(parser.error, OPENSSL_PARSE_NO_TLS);
    EXPECT_EQ(parser.offset, kStream.size());
    EXPECT_EQ(parse(kStream), 0u);
  }
}

TEST_F(RecordParser, NeedsNoCallbacks) {
  const OPENSSL_RECORD_CALLBACKS none = {sizeof none, nullptr, nullptr, nullptr};
  openssl_initRecordParser(&parser, &none, nullptr);
  EXPECT_EQ(parse(kStream), kStream.size());
}

class Hellos : public BothVersions {
 protected:
  // The handshake message that begins the output of an end.
  static std::string message(End& end) { return end.take_output().substr(OPENSSL_RECORD_HEADER_SIZE); }
  static int parse(const std::string& message, OPENSSL_CLIENT_HELLO& hello, OPENSSL_EXTENSION (&extensions)[64],
                   char (&name)[256]) {
    return openssl_parseClientHello(reinterpret_cast<const unsigned char*>(message.data()), message.size(), &hello,
                                    extensions, 64, name);
  }
  Pair pair{GetParam()};
  OPENSSL_CLIENT_HELLO hello;
  OPENSSL_EXTENSION extensions[64];
  char name[256];
};

TEST_P(Hellos, SayNameAlpnAndVersions) {
  const auto client = pair.plain_client();
  SSL_set_alpn_protos(client->ssl(), reinterpret_cast<const unsigned char*>("\2h2"), 3);
  client->work();
  const std::string first = message(*client);
  ASSERT_EQ(parse(first, hello, extensions, name), 1);
  EXPECT_STREQ(hello.server_name, "localhost");
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(hello.alpn), hello.alpn_len), "\2h2");
  EXPECT_EQ(hello.versions_len, tls13() ? 2u : 0u);
  EXPECT_EQ(hello.legacy_version, static_cast<unsigned>(TLS1_2_VERSION));
  EXPECT_GT(hello.extension_count, 3u);
}

TEST_P(Hellos, OfServersSayWhatWasAgreedOn) {
  const auto client = pair.plain_client(), client2 = pair.plain_client();
  const auto server = pair.plain_server();
  client->work();
  deliver(*server, client->take_output());
  const std::string answer = message(*server);
  const std::size_t size =
      4 + static_cast<std::size_t>(static_cast<unsigned char>(answer[2]) << 8 | static_cast<unsigned char>(answer[3]));
  OPENSSL_SERVER_HELLO said;
  ASSERT_EQ(openssl_parseServerHello(reinterpret_cast<const unsigned char*>(answer.data()), size, &said), 1);
  EXPECT_EQ(said.version, static_cast<unsigned>(GetParam()));
  EXPECT_EQ(said.retry, 0);
}

// Cut or changed anywhere: an answer, and no byte read that is not there (AddressSanitizer sees).
TEST_P(Hellos, MayBeMalformed) {
  const auto client = pair.plain_client();
  client->work();
  const std::string first = message(*client);
  for (std::size_t size = 0; size < first.size(); ++size) {
    const std::vector<char> exact(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(parse(std::string(exact.begin(), exact.end()), hello, extensions, name), 0) << size;
  }
  for (std::size_t at = 0; at < first.size(); ++at) {
    std::string changed = first;
    changed[at] = static_cast<char>(~changed[at]);
    OPENSSL_SERVER_HELLO said;
    parse(changed, hello, extensions, name);
    EXPECT_LT(std::strlen(hello.server_name ? hello.server_name : ""), sizeof name);
    EXPECT_EQ(openssl_parseServerHello(reinterpret_cast<const unsigned char*>(changed.data()),
                                       at == 0 ? 0 : changed.size(), &said),
              0);
  }
}

INSTANTIATE_TEST_SUITE_P(Versions, Hellos, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION), version_name);

}  // namespace
}  // namespace openssl_event::testing
