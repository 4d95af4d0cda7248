// What is left on a stack is wiped, however deep it lies; what is in use stays.
#include "openssl_event/stack.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>

namespace openssl_event {
namespace {

constexpr std::size_t kPage = Stack::kPage;

class StackTest : public ::testing::Test {
 protected:
  StackTest() {
    EXPECT_TRUE(stack.map());
    std::memset(in_use(), 'u', 100);
  }

  char* in_use() const { return stack.top() - 100; }
  char* at(std::size_t depth) const { return in_use() - depth; }
  void write(std::size_t depth, std::size_t size = 8) { std::memset(at(depth), 'S', size); }
  void wipe() { stack.wipe(in_use(), false); }

  std::size_t left() const { return static_cast<std::size_t>(std::count_if(stack.begin(), in_use(), [](char byte) { return byte != 0; })); }

  void expect_clean() const {
    EXPECT_EQ(left(), 0u);
    EXPECT_EQ(std::count(in_use(), stack.top(), 'u'), 100);
  }

  std::size_t pages_there() const {
    unsigned char there[Stack::kSize / kPage];
    EXPECT_EQ(mincore(stack.begin(), Stack::kSize, there), 0);
    return static_cast<std::size_t>(std::count_if(std::begin(there), std::end(there), [](unsigned char page) { return page & 1; }));
  }

  Stack stack;
};

TEST_F(StackTest, WipesWhatWasWritten) {
  for (const std::size_t size : {1u, 100u, 5000u, 40000u, 200000u}) {
    write(size, size);
    wipe();
    expect_clean();
  }
}

TEST_F(StackTest, WipesAllOfIt) {
  const std::size_t all = Stack::kSize - 100;
  write(all, all);
  wipe();
  expect_clean();
}

// One that holds a buffer for a record, at each place in a page.
TEST_F(StackTest, WipesBelowALargeFrame) {
  for (std::size_t depth = 1; depth < 2 * kPage; depth += 41) {
    stack.give_back(in_use());
    write(depth, depth);
    write(depth + 16600, 1);
    wipe();
    expect_clean();
  }
}

TEST_F(StackTest, WipesBelowAHoleInTime) {
  write(100 * 1024);
  for (int i = 0; i < 64; ++i) wipe();
  expect_clean();
}

TEST_F(StackTest, WipesBelowAHoleAtOnceIfExact) {
  write(100 * 1024);
  stack.wipe(in_use(), true);
  expect_clean();
}

TEST_F(StackTest, TakesNoMemoryByLooking) {
  write(5000, 5000);
  const std::size_t before = pages_there();
  for (int i = 0; i < 100; ++i) wipe();
  EXPECT_LE(pages_there(), before + 5);  // of the kernel's one page of zeroes
  write(5000, 5000);
  wipe();
  EXPECT_LE(pages_there(), before + 5);
}

TEST_F(StackTest, GivesMemoryBack) {
  write(100 * 1024, 100 * 1024);
  stack.give_back(in_use());
  EXPECT_EQ(pages_there(), 1u);
  expect_clean();
  write(5000, 5000);
  wipe();
  expect_clean();
}

// The kernel takes nothing of that.
TEST_F(StackTest, WipesLockedMemory) {
  write(100 * 1024, 100 * 1024);
  ASSERT_EQ(mlock(stack.begin() + 50 * kPage, kPage), 0);
  stack.give_back(in_use());
  expect_clean();
  ASSERT_EQ(mlock(stack.begin() + 10 * kPage, kPage), 0);
  write(200 * 1024);
  stack.wipe(in_use(), true);
  expect_clean();
}

}  // namespace
}  // namespace openssl_event
