// The framer finds where records end, in any split, and judges nothing.
#include "openssl_event/framer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace openssl_event {
namespace {

using namespace std::string_literals;

std::string record(std::size_t size, char type = 23) {
  return std::string{type, 3, 3, static_cast<char>(size >> 8), static_cast<char>(size)} + std::string(size, 'r');
}

std::string bytes_of(Event* e) {
  std::string bytes(e->pub.r.buf, static_cast<std::size_t>(e->pub.r.len));
  openssl_freeEvent(&e->pub);
  return bytes;
}

using Frames = std::vector<std::string>;

class FramerTest : public ::testing::Test {
 protected:
  // Copying: what openssl_buildFrame does.
  Frames build(std::string_view bytes, std::size_t chunk) {
    Frames frames;
    while (!bytes.empty()) {
      std::string_view portion = bytes.substr(0, chunk);
      bytes.remove_prefix(portion.size());
      while (!portion.empty()) {
        std::size_t taken = 0;
        Event* e = framer.frame(portion.data(), portion.size(), &taken);
        portion.remove_prefix(taken);
        if (e) frames.push_back(bytes_of(e));
      }
    }
    return frames;
  }
  // In place: space, filled, next.
  static Frames fill(Framer& in_place, std::string_view bytes, std::size_t chunk) {
    Frames frames;
    while (!bytes.empty()) {
      std::size_t room = 0;
      char* space = in_place.space(&room);
      const std::size_t portion = std::min({chunk, room, bytes.size()});
      std::copy_n(bytes.data(), portion, space);
      bytes.remove_prefix(portion);
      EXPECT_TRUE(in_place.filled(portion));
      while (Event* e = in_place.next()) frames.push_back(bytes_of(e));
    }
    return frames;
  }

  Framer framer;
};

TEST_F(FramerTest, AnySplitGivesTheSameRecords) {
  const Frames expected = {record(0, 22), record(1), record(300), record(16384 + 256), record(5, 21)};
  std::string all;
  for (const std::string& one : expected) all += one;
  for (const std::size_t chunk : {1, 2, 3, 4, 5, 6, 7, 100, 305, 306, 16000, 40000}) {
    EXPECT_EQ(build(all, chunk), expected) << chunk;
    EXPECT_EQ(fill(framer, all, chunk), expected) << chunk;
  }
}

TEST_F(FramerTest, TwoAndAHalfRecordsInOneRead) {
  const std::string all = record(10) + record(20) + record(30).substr(0, 15);
  std::size_t taken = 0;
  EXPECT_EQ(bytes_of(framer.frame(all.data(), all.size(), &taken)), record(10));
  EXPECT_EQ(taken, 15u);
  EXPECT_EQ(bytes_of(framer.frame(all.data() + 15, all.size() - 15, &taken)), record(20));
  EXPECT_EQ(taken, 25u);
  EXPECT_EQ(framer.frame(all.data() + 40, all.size() - 40, &taken), nullptr);
  EXPECT_EQ(taken, 15u);
  EXPECT_EQ(build(record(30).substr(15), 100), Frames{record(30)});
}

TEST_F(FramerTest, NothingIsTakenFromNothing) {
  std::size_t taken = 1;
  EXPECT_EQ(framer.frame("", 0, &taken), nullptr);
  EXPECT_EQ(taken, 0u);
  EXPECT_EQ(framer.next(), nullptr);
  EXPECT_FALSE(framer.has_rest());
}

TEST_F(FramerTest, SpaceIsNeverShorterThanWhatTheRecordLacks) {
  std::size_t room = 0;
  fill(framer, record(16384).substr(0, 100), 100);
  framer.space(&room);
  EXPECT_GE(room, 16384u + 5 - 100);
}

TEST_F(FramerTest, MoreThanTheSpaceIsRefused) {
  EXPECT_FALSE(framer.filled(1));
  std::size_t room = 0;
  framer.space(&room);
  EXPECT_FALSE(framer.filled(room + 1));
  EXPECT_TRUE(framer.filled(0));
}

// Records of one chunk are freed in any order, after the framer too; ASan watches.
TEST_F(FramerTest, ChunkLivesAsLongAsARecordInIt) {
  std::vector<Event*> records;
  {
    Framer short_lived;
    const std::string all = record(100) + record(200) + record(300) + "\x17";
    std::size_t room = 0;
    std::copy_n(all.data(), all.size(), short_lived.space(&room));
    short_lived.filled(all.size());
    while (Event* e = short_lived.next()) records.push_back(e);
  }
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(bytes_of(records[1]), record(200));
  EXPECT_EQ(bytes_of(records[0]), record(100));
  EXPECT_EQ(bytes_of(records[2]), record(300));
}

TEST_F(FramerTest, ARecordInUseIsNotOverwrittenByTheNextRead) {
  fill(framer, record(50).substr(0, 3), 3);
  std::size_t room = 0;
  const std::string rest = record(50).substr(3);
  std::copy_n(rest.data(), rest.size(), framer.space(&room));
  framer.filled(rest.size());
  Event* in_use = framer.next();
  std::fill_n(framer.space(&room), room, 'X');
  EXPECT_EQ(bytes_of(in_use), record(50));
}

TEST_F(FramerTest, WhatIsNoTlsGoesOnAsItComes) {
  EXPECT_EQ(build("GET / HTTP/1.0\r\n", 100), Frames{"GET / HTTP/1.0\r\n"});
  EXPECT_EQ(build("\r\n", 100), Frames{"\r\n"});
  EXPECT_EQ(build(record(3), 100), Frames{record(3)});
}

TEST_F(FramerTest, WhatIsNoTlsIsKnownByFiveBytes) {
  EXPECT_EQ(build("GET / HTTP", 1), (Frames{"GET /", " ", "H", "T", "T", "P"}));
}

TEST_F(FramerTest, RecordThatIsTooLongIsNotWaitedFor) {
  const std::string header = record(OPENSSL_MAX_RECORD).substr(0, 5);
  EXPECT_EQ(build(header, 100), Frames{header});
}

TEST_F(FramerTest, LongestRecordIsWaitedFor) {
  const std::string longest = record(OPENSSL_MAX_RECORD - OPENSSL_RECORD_HEADER_SIZE);
  EXPECT_EQ(build(longest, 1000), Frames{longest});
}

TEST_F(FramerTest, SslV2FormatHelloIsOneUnitAndOnlyTheFirst) {
  const std::string hello = "\x80\x1c\x01\x03\x03"s + std::string(25, 'h');
  EXPECT_EQ(build(hello + record(7), 4), (Frames{hello, record(7)}));
  EXPECT_EQ(build(hello, 100), Frames{hello});  // no TLS now, and so on as it comes
  Framer of_a_client;
  of_a_client.from_server();
  EXPECT_EQ(fill(of_a_client, hello.substr(0, 6), 6), Frames{hello.substr(0, 6)});
}

TEST_F(FramerTest, RestIsWhatTheEndCutOff) {
  build(record(100).substr(0, 42), 10);
  ASSERT_TRUE(framer.has_rest());
  EXPECT_EQ(bytes_of(framer.rest()), record(100).substr(0, 42));
  EXPECT_FALSE(framer.has_rest());
  EXPECT_EQ(framer.rest(), nullptr);
}

}  // namespace
}  // namespace openssl_event
