// A key of each type, plain and offloaded.
#ifndef TESTS_OPENSSL_EVENT_OFFLOAD_FIXTURE_H
#define TESTS_OPENSSL_EVENT_OFFLOAD_FIXTURE_H

#include <string>

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "openssl_event/openssl_event.h"
#include "tests/support/keys.h"

namespace openssl_event::testing {

inline const auto kEveryType = ::testing::Values(KeyType::kRsa, KeyType::kRsaPss, KeyType::kEcP256, KeyType::kEcP384,
                                                 KeyType::kEd25519, KeyType::kEd448);

inline std::string type_as_name(const ::testing::TestParamInfo<KeyType>& info) { return key_type_name(info.param); }

inline Key offload(EVP_PKEY* key, unsigned int flags = 0) {
  return Key(openssl_offloadKey(key, nullptr, nullptr, flags));
}

class OffloadTest : public ::testing::Test {
 protected:
  explicit OffloadTest(KeyType type) : plain(shared_key(type)), offloaded(offload(plain)) {}
  void SetUp() override { ASSERT_NE(offloaded, nullptr) << ERR_error_string(ERR_peek_last_error(), nullptr); }

  EVP_PKEY* plain;
  Key offloaded;
};

class EveryOffloadTest : public OffloadTest, public ::testing::WithParamInterface<KeyType> {
 protected:
  EveryOffloadTest() : OffloadTest(GetParam()) {}

  bool hashes_by_itself() const { return GetParam() == KeyType::kEd25519 || GetParam() == KeyType::kEd448; }
  const char* digest() const { return hashes_by_itself() ? nullptr : "SHA256"; }
};

}  // namespace openssl_event::testing

#endif
