// Offloaded keys in many threads.
#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "openssl_event/offload_key.h"
#include "tests/openssl_event/offload_fixture.h"
#include "tests/support/evp.h"

namespace openssl_event::testing {
namespace {

constexpr int kThreads = 4;

void in_threads(const std::function<void()>& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
}

// First in this program, so that the library's own context is made by several threads at once.
TEST(OffloadThreadsTest, MakeKeysAtOnce) {
  EVP_PKEY* plain = shared_key(KeyType::kEcP256);
  in_threads([plain] { EXPECT_EQ(EVP_PKEY_eq(offload(plain).get(), plain), 1); });
}

TEST(OffloadThreadsTest, ShareAKey) {
  const Key key = offload(shared_key(KeyType::kEcP256));
  in_threads([&key] {
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(verify(key.get(), "SHA256", "text", sign(key.get(), "SHA256", "text")));
  });
}

TEST(OffloadThreadsTest, TakeTurnsWithASerialisedKey) {
  OffloadedKey* key = OffloadedKey::make("EC");
  ASSERT_TRUE(key->adopt({shared_key(KeyType::kEcP256), nullptr, nullptr, OPENSSL_OFFLOAD_SERIALIZE}));
  std::atomic<int> inside{0};
  in_threads([&] {
    const OffloadedKey::Turn turn(*key);
    EXPECT_EQ(inside.fetch_add(1), 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    inside.fetch_sub(1);
  });
  key->unref();
}

TEST(OffloadThreadsTest, DoNotWaitForEachOtherOtherwise) {
  OffloadedKey* key = OffloadedKey::make("EC");
  ASSERT_TRUE(key->adopt({shared_key(KeyType::kEcP256), nullptr, nullptr, 0}));
  const OffloadedKey::Turn mine(*key);
  in_threads([key] { const OffloadedKey::Turn theirs(*key); });
  key->unref();
}

TEST(OffloadThreadsTest, ShareASerialisedKey) {
  const Key key = offload(shared_key(KeyType::kEcP256), OPENSSL_OFFLOAD_SERIALIZE);
  in_threads([&key] {
    for (int i = 0; i < 50; ++i) {
      EXPECT_TRUE(verify(key.get(), "SHA256", "text", sign(key.get(), "SHA256", "text")));
      EXPECT_NE(sign_in_pieces(key.get(), "SHA256", "text"), "");
      EXPECT_NE(derive(key.get(), shared_key(KeyType::kEcP256)), "");
    }
  });
}

}  // namespace
}  // namespace openssl_event::testing
