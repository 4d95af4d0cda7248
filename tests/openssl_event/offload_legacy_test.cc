// Keys of applications that still make them of an RSA* or EC_KEY*: they live in no provider.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <string>

#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "tests/openssl_event/offload_fixture.h"
#include "tests/support/evp.h"

#ifndef OPENSSL_NO_DEPRECATED_3_0

namespace openssl_event::testing {
namespace {

Key legacy_of(EVP_PKEY* key) {
  Key legacy(EVP_PKEY_new());
  if (EVP_PKEY_is_a(key, "RSA"))
    EXPECT_EQ(EVP_PKEY_assign_RSA(legacy.get(), EVP_PKEY_get1_RSA(key)), 1);
  else
    EXPECT_EQ(EVP_PKEY_assign_EC_KEY(legacy.get(), EVP_PKEY_get1_EC_KEY(key)), 1);
  return legacy;
}

class OffloadLegacyTest : public ::testing::TestWithParam<KeyType> {
 protected:
  EVP_PKEY* plain = shared_key(GetParam());
  Key offloaded = offload(legacy_of(plain).get());
};

TEST_P(OffloadLegacyTest, Signs) {
  EXPECT_TRUE(verify(plain, "SHA256", "text", sign(offloaded.get(), "SHA256", "text")));
  EXPECT_TRUE(verify(offloaded.get(), "SHA256", "text", sign(plain, "SHA256", "text")));
}

TEST_P(OffloadLegacyTest, EqualsTheProvidedKey) { EXPECT_EQ(EVP_PKEY_eq(offloaded.get(), plain), 1); }

TEST_P(OffloadLegacyTest, HasItsSizes) {
  EXPECT_EQ(EVP_PKEY_get_size(offloaded.get()), EVP_PKEY_get_size(plain));
  EXPECT_EQ(EVP_PKEY_get_bits(offloaded.get()), EVP_PKEY_get_bits(plain));
  EXPECT_EQ(EVP_PKEY_get_security_bits(offloaded.get()), EVP_PKEY_get_security_bits(plain));
}

INSTANTIATE_TEST_SUITE_P(Types, OffloadLegacyTest, ::testing::Values(KeyType::kRsa, KeyType::kEcP384), type_as_name);

TEST(OffloadLegacyEcTest, AnswersWhatTls12AsksOfIt) {
  const Key offloaded = offload(legacy_of(shared_key(KeyType::kEcP384)).get());
  char group[64] = "";
  EXPECT_EQ(EVP_PKEY_get_ec_point_conv_form(offloaded.get()), POINT_CONVERSION_UNCOMPRESSED);
  EXPECT_EQ(EVP_PKEY_get_field_type(offloaded.get()), NID_X9_62_prime_field);
  EXPECT_EQ(EVP_PKEY_get_group_name(offloaded.get(), group, sizeof group, nullptr), 1);
  EXPECT_STREQ(group, "secp384r1");
}

}  // namespace
}  // namespace openssl_event::testing

#endif
