// Each allocation of an offloaded key's fails once: whatever then fails does so in order.
#include <functional>
#include <string>

#include "tests/openssl_event/offload_fixture.h"
#include "tests/support/evp.h"
#include "tests/support/failing_new.h"

namespace openssl_event::testing {
namespace {

// Repeats the work with the first, second ... allocation failing, until it makes fewer; then it has to succeed. Returns
// how many have failed.
int fail_each(const std::function<bool()>& work) {
  for (int n = 1;; ++n) {
    fail_allocation(n);
    const bool done = work();
    ERR_clear_error();
    if (allocation_failed()) continue;
    fail_allocation(0);
    EXPECT_TRUE(done);
    return n - 1;
  }
}

// First in this program: the library's own context is one of the allocations.
TEST(OffloadMemoryTest, MakingAKeySucceedsTheNextTime) {
  EVP_PKEY* plain = shared_key(KeyType::kEcP256);
  const auto make = [plain] { return Key(openssl_offloadKey(plain, nullptr, "provider=default", 0)) != nullptr; };
  EXPECT_GE(fail_each(make), 2);
}

class OffloadMemoryOfTest : public EveryOffloadTest {};

TEST_P(OffloadMemoryOfTest, SigningGivesAValidSignatureOrNone) {
  const int failed = fail_each([this] {
    const std::string signature = sign(offloaded.get(), digest(), "text");
    return signature.empty() ? false : verify(plain, digest(), "text", signature);
  });
  EXPECT_GE(failed, 4);  // context, operation, signature, message
}

TEST_P(OffloadMemoryOfTest, VerifyingSucceedsTheNextTime) {
  const std::string signature = sign(plain, digest(), "text");
  EXPECT_GE(fail_each([&] { return verify(offloaded.get(), digest(), "text", signature); }), 1);
}

TEST_P(OffloadMemoryOfTest, ComparingNeverFindsAnotherKeyEqual) {
  const Key other = make_key(GetParam());
  EXPECT_GE(fail_each([&] { return EVP_PKEY_eq(other.get(), offloaded.get()) != 1; }), 1);
}

TEST_P(OffloadMemoryOfTest, DuplicatingSucceedsTheNextTime) {
  fail_each([this] { return Key(EVP_PKEY_dup(offloaded.get())) != nullptr; });
}

INSTANTIATE_TEST_SUITE_P(Types, OffloadMemoryOfTest, kEveryType, type_as_name);

}  // namespace
}  // namespace openssl_event::testing
