// The check of what an engine decrypted: everything that is wrong leaves the random secret, all alike.
#include "openssl_event/tls_premaster.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

namespace openssl_event {
namespace {

constexpr unsigned kTls12 = 0x0303, kTls11 = 0x0302;
constexpr unsigned char kRandom = 0xa5;

std::vector<unsigned char> good_block(std::size_t size = 256) {
  std::vector<unsigned char> block(size, 0x77);
  block[0] = 0;
  block[1] = 2;
  block[size - kPremasterSize - 1] = 0;
  block[size - kPremasterSize] = 3;
  block[size - kPremasterSize + 1] = 3;
  return block;
}

// 1: the block's secret was taken. 0: the random one stayed. -1: a mixture.
int taken(const std::vector<unsigned char>& block, unsigned other_version = 0) {
  unsigned char premaster[kPremasterSize];
  std::memset(premaster, kRandom, sizeof premaster);
  take_premaster(premaster, block.data(), block.size(), kTls12, other_version);
  if (std::all_of(premaster, premaster + sizeof premaster, [](unsigned char c) { return c == kRandom; })) return 0;
  return std::memcmp(premaster, block.data() + block.size() - kPremasterSize, kPremasterSize) == 0 ? 1 : -1;
}

TEST(TlsPremaster, IsTakenFromAGoodBlock) {
  for (std::size_t size : {59u, 128u, 256u, 512u}) EXPECT_EQ(taken(good_block(size)), 1) << size;
}

TEST(TlsPremaster, IsRandomWhenAnyByteThatMattersIsWrong) {
  const std::vector<unsigned char> good = good_block();
  const std::size_t separator = good.size() - kPremasterSize - 1;
  for (std::size_t i : {std::size_t{0}, std::size_t{1}, separator, separator + 1, separator + 2})
    for (int bit = 0; bit < 8; ++bit) {
      std::vector<unsigned char> bad = good;
      bad[i] ^= static_cast<unsigned char>(1 << bit);
      EXPECT_EQ(taken(bad), 0) << i << " " << bit;
    }
}

TEST(TlsPremaster, IsRandomWhenThePaddingEndsEarly) {
  const std::vector<unsigned char> good = good_block();
  for (std::size_t i = 2; i < good.size() - kPremasterSize - 1; ++i) {
    std::vector<unsigned char> bad = good;
    bad[i] = 0;
    EXPECT_EQ(taken(bad), 0) << i;
  }
}

TEST(TlsPremaster, MayHaveAnyByteAsPaddingButZero) {
  for (int value = 1; value < 256; ++value) {
    std::vector<unsigned char> block = good_block();
    block[5] = static_cast<unsigned char>(value);
    EXPECT_EQ(taken(block), 1) << value;
  }
}

TEST(TlsPremaster, MayBeginWithTheOtherVersion) {
  std::vector<unsigned char> block = good_block();
  block[block.size() - kPremasterSize + 1] = 2;
  EXPECT_EQ(taken(block), 0);
  EXPECT_EQ(taken(block, kTls11), 1);
}

TEST(TlsPremaster, IsRandomWithoutRoomForThePadding) {
  EXPECT_EQ(taken(good_block(58)), 0);
  EXPECT_EQ(taken({}), 0);
}

}  // namespace
}  // namespace openssl_event
