// The memory that threads keep for the next events.
#include "openssl_event/event_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "openssl_event/openssl_event.h"
#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

class EventMemoryTest : public ::testing::Test {
 protected:
  EventMemoryTest() { keep_event_memory(true); }
  ~EventMemoryTest() override { keep_event_memory(false); }

  struct Piece {
    void* memory;
    std::uint8_t size_class;
  };
  static Piece take(std::size_t size) {
    Piece piece;
    piece.size_class = event_memory_class(size);
    piece.memory = take_event_memory(size, piece.size_class);
    return piece;
  }
  static void give_back(const Piece& piece) { give_back_event_memory(piece.memory, piece.size_class); }
};

TEST_F(EventMemoryTest, NextEventOfASizeGetsWhatTheLastOneLeft) {
  for (const std::size_t size : {300, 1500, 4000, 17000}) {
    const Piece first = take(size);
    give_back(first);
    const Piece second = take(size);
    EXPECT_EQ(second.memory, first.memory);
    give_back(second);
  }
}

// ---- Buffers ----

bool begins_a_line(const char* bytes) { return reinterpret_cast<std::uintptr_t>(bytes) % kCacheLine == 0; }

TEST_F(EventMemoryTest, BuffersBeginWithALineOfTheCache) {
  for (const std::size_t size : {1, 100, 1369, 4096, 16384, 40000}) {
    OPENSSL_EVENT* e = openssl_newRecordInEvent(std::vector<char>(size, 'x').data(), size);
    EXPECT_TRUE(begins_a_line(e->r.buf)) << size;
    EXPECT_EQ(std::string(e->r.buf, size), std::string(size, 'x'));
    openssl_freeEvent(e);
  }
}

TEST_F(EventMemoryTest, CopiesAllBytesAndNoOthersFromAndToAnyAddress) {
  std::vector<char> from(8192), to(8192);
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<char>(i * 7 + i / 256);
  for (std::size_t offset = 0; offset < 2 * kCacheLine; ++offset)
    for (const std::size_t len : {0, 1, 2047, 2048, 2049, 4000}) {
      std::fill(to.begin(), to.end(), '-');
      copy_bytes(to.data() + offset, from.data() + 2 * kCacheLine - offset, len);
      EXPECT_TRUE(std::equal(from.begin() + 2 * kCacheLine - offset, from.begin() + 2 * kCacheLine - offset + len, to.begin() + offset));
      EXPECT_EQ(std::count(to.begin(), to.begin() + offset, '-'), static_cast<std::ptrdiff_t>(offset));
      EXPECT_EQ(std::count(to.begin() + offset + len, to.end(), '-'), std::distance(to.begin() + offset + len, to.end()));
    }
}

// ---- What is kept ----

TEST_F(EventMemoryTest, LongOnesAreNotKept) {
  const Piece piece = take(1 << 20);
  EXPECT_EQ(piece.size_class, kNoSizeClass);
  give_back(piece);
}

TEST_F(EventMemoryTest, AThreadKeepsSoMuchAndNoMore) {
  std::vector<Piece> pieces;
  for (int i = 0; i < 1000; ++i) pieces.push_back(take(17000));
  for (const Piece& piece : pieces)
    give_back(piece);  // what is too much is freed: LeakSanitizer and valgrind would tell
}

TEST_F(EventMemoryTest, GoesBackInAnyThread) {
  std::vector<Piece> pieces;
  for (int i = 0; i < 100; ++i) pieces.push_back(take(400));
  std::thread([&] {
    for (const Piece& piece : pieces) give_back(piece);
  }).join();
}

// The destructor of a thread_local that is older than ours runs after it.
TEST_F(EventMemoryTest, EventsEndInAThreadThatIsEnding) {
  struct Late {
    bool awaited = false;
    ~Late() {
      for (int i = 0; i < 40; ++i) openssl_freeEvent(openssl_newCleartextInEvent("x", 1));
    }
  };
  std::thread([] {
    thread_local Late late;
    late.awaited = true;
    openssl_freeEvent(openssl_newCleartextInEvent("x", 1));
  }).join();
}

TEST_F(EventMemoryTest, ConnectionsWorkOnMemoryOfThoseBefore) {
  Pair pair;
  for (int i = 0; i < 20; ++i) {
    auto client = pair.machine_client(), server = pair.machine_server();
    for (int size : {1, 1000, 5000, 100000}) client->send(std::string(static_cast<std::size_t>(size), 'x'));
    carry(*client, *server);
    EXPECT_EQ(server->received(), std::string(106001, 'x'));
  }
}

}  // namespace
}  // namespace openssl_event::testing
