// What an offloaded key says of itself, and what it keeps to itself.
#include <cstring>
#include <string>
#include <vector>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

#include "tests/openssl_event/offload_fixture.h"
#include "tests/support/evp.h"

namespace openssl_event::testing {
namespace {

const std::vector<const char*> kPrivateParams = {
    OSSL_PKEY_PARAM_RSA_D,           OSSL_PKEY_PARAM_RSA_FACTOR1,      OSSL_PKEY_PARAM_RSA_FACTOR2,
    OSSL_PKEY_PARAM_RSA_FACTOR3,     OSSL_PKEY_PARAM_RSA_EXPONENT1,    OSSL_PKEY_PARAM_RSA_EXPONENT2,
    OSSL_PKEY_PARAM_RSA_COEFFICIENT1, OSSL_PKEY_PARAM_PRIV_KEY};

bool answers(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  unsigned char bytes[1024];
  size_t len;
  const bool answered = EVP_PKEY_get_bn_param(key, name, &number) > 0 ||
                        EVP_PKEY_get_octet_string_param(key, name, bytes, sizeof bytes, &len) > 0;
  BN_free(number);
  ERR_clear_error();
  return answered;
}

bool exports(EVP_PKEY* key, int selection) {
  OSSL_PARAM* params = nullptr;
  const bool done = EVP_PKEY_todata(key, selection, &params) > 0;
  OSSL_PARAM_free(params);
  ERR_clear_error();
  return done;
}

std::string encoded(EVP_PKEY* key, int (*encode)(const EVP_PKEY*, unsigned char**)) {
  unsigned char* der = nullptr;
  const int len = encode(key, &der);
  std::string text(reinterpret_cast<char*>(der), len > 0 ? static_cast<size_t>(len) : 0);
  OPENSSL_free(der);
  ERR_clear_error();
  return text;
}

std::string text_param(EVP_PKEY* key, const char* name) {
  char text[64] = "";
  EVP_PKEY_get_utf8_string_param(key, name, text, sizeof text, nullptr);
  return text;
}

using OffloadKeyTest = EveryOffloadTest;

TEST_P(OffloadKeyTest, HasTheTypeOfTheRealKey) {
  EXPECT_EQ(EVP_PKEY_get_id(offloaded.get()), EVP_PKEY_get_id(plain));
  EXPECT_STREQ(EVP_PKEY_get0_type_name(offloaded.get()), EVP_PKEY_get0_type_name(plain));
}

TEST_P(OffloadKeyTest, HasTheSizesOfTheRealKey) {
  EXPECT_EQ(EVP_PKEY_get_size(offloaded.get()), EVP_PKEY_get_size(plain));
  EXPECT_EQ(EVP_PKEY_get_bits(offloaded.get()), EVP_PKEY_get_bits(plain));
  EXPECT_EQ(EVP_PKEY_get_security_bits(offloaded.get()), EVP_PKEY_get_security_bits(plain));
}

TEST_P(OffloadKeyTest, PrefersTheDigestOfTheRealKey) {
  char ours[64] = "", real[64] = "";
  EXPECT_EQ(EVP_PKEY_get_default_digest_name(offloaded.get(), ours, sizeof ours),
            EVP_PKEY_get_default_digest_name(plain, real, sizeof real));
  EXPECT_STREQ(ours, real);
}

TEST_P(OffloadKeyTest, RefusesToExportThePrivateHalf) {
  ASSERT_TRUE(exports(plain, EVP_PKEY_KEYPAIR));
  EXPECT_FALSE(exports(offloaded.get(), EVP_PKEY_KEYPAIR));
  EXPECT_FALSE(exports(offloaded.get(), OSSL_KEYMGMT_SELECT_PRIVATE_KEY));
}

TEST_P(OffloadKeyTest, ExportsThePublicHalf) { EXPECT_TRUE(exports(offloaded.get(), EVP_PKEY_PUBLIC_KEY)); }

TEST_P(OffloadKeyTest, NeverAnswersPrivateParameters) {
  for (const char* name : kPrivateParams) EXPECT_FALSE(answers(offloaded.get(), name)) << name;
}

TEST_P(OffloadKeyTest, AnswersNoPrivateParameterAmongPublicOnes) {
  unsigned char secret[1024] = {};
  int bits = 0;
  OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, secret, sizeof secret),
                         OSSL_PARAM_construct_int(OSSL_PKEY_PARAM_BITS, &bits), OSSL_PARAM_construct_end()};
  ASSERT_TRUE(EVP_PKEY_get_params(offloaded.get(), params));
  EXPECT_FALSE(OSSL_PARAM_modified(&params[0]));
  EXPECT_EQ(bits, EVP_PKEY_get_bits(plain));
}

TEST_P(OffloadKeyTest, ListsWhatItAnswersOnly) {
  const OSSL_PARAM* list = EVP_PKEY_gettable_params(offloaded.get());
  ASSERT_NE(list, nullptr);
  for (const char* name : kPrivateParams) EXPECT_EQ(OSSL_PARAM_locate_const(list, name), nullptr) << name;
  EXPECT_NE(OSSL_PARAM_locate_const(list, OSSL_PKEY_PARAM_BITS), nullptr);
}

TEST_P(OffloadKeyTest, WritesItsPublicHalfAsTheRealKeyDoes) {
  EXPECT_EQ(encoded(offloaded.get(), i2d_PUBKEY), encoded(plain, i2d_PUBKEY));
  EXPECT_NE(encoded(offloaded.get(), i2d_PUBKEY), "");
}

TEST_P(OffloadKeyTest, DoesNotWriteItsPrivateHalf) {
  ASSERT_NE(encoded(plain, i2d_PrivateKey), "");
  EXPECT_EQ(encoded(offloaded.get(), i2d_PrivateKey), "");
}

TEST_P(OffloadKeyTest, EqualsTheRealKeyFromBothSides) {
  EXPECT_EQ(EVP_PKEY_eq(offloaded.get(), plain), 1);
  EXPECT_EQ(EVP_PKEY_eq(plain, offloaded.get()), 1);
  EXPECT_EQ(EVP_PKEY_eq(offloaded.get(), offload(plain).get()), 1);
}

TEST_P(OffloadKeyTest, DiffersFromAnotherKeyFromBothSides) {
  const Key other = make_key(GetParam());
  EXPECT_EQ(EVP_PKEY_eq(offloaded.get(), other.get()), 0);
  EXPECT_EQ(EVP_PKEY_eq(other.get(), offloaded.get()), 0);
  EXPECT_EQ(EVP_PKEY_eq(offloaded.get(), offload(other.get()).get()), 0);
}

TEST_P(OffloadKeyTest, IsValid) {
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, offloaded.get(), nullptr));
  EXPECT_EQ(EVP_PKEY_check(context.get()), 1);
  EXPECT_EQ(EVP_PKEY_public_check(context.get()), 1);
  EXPECT_EQ(EVP_PKEY_public_check_quick(context.get()), 1);
  EXPECT_EQ(EVP_PKEY_private_check(context.get()), 1);
  EXPECT_EQ(EVP_PKEY_pairwise_check(context.get()), 1);
}

TEST_P(OffloadKeyTest, SharesItsKeyWithADuplicate) {
  const Key copy(EVP_PKEY_dup(offloaded.get()));
  ASSERT_NE(copy, nullptr);
  offloaded.reset();
  EXPECT_EQ(openssl_offloadedKey(copy.get()), plain);
  EXPECT_TRUE(verify(plain, digest(), "text", sign(copy.get(), digest(), "text")));
}

TEST_P(OffloadKeyTest, GivesItsParametersToAnEmptyKey) {
  const Key empty(EVP_PKEY_new());
  ASSERT_EQ(EVP_PKEY_copy_parameters(empty.get(), offloaded.get()), 1);
  EXPECT_EQ(EVP_PKEY_missing_parameters(empty.get()), hashes_by_itself() || GetParam() < KeyType::kEcP256);
  EXPECT_FALSE(exports(empty.get(), EVP_PKEY_KEYPAIR));
  EXPECT_EQ(openssl_offloadedKey(empty.get()), nullptr);
  EXPECT_EQ(sign(empty.get(), digest(), "text"), "");
}

TEST_P(OffloadKeyTest, TellsTheRealKey) {
  EXPECT_EQ(openssl_offloadedKey(offloaded.get()), plain);
  EXPECT_EQ(openssl_offloadedKey(plain), nullptr);
  EXPECT_EQ(openssl_offloadedKey(nullptr), nullptr);
}

TEST_P(OffloadKeyTest, OffloadedTwiceHoldsTheRealKey) {
  const Key twice = offload(offloaded.get(), OPENSSL_OFFLOAD_SERIALIZE);
  ASSERT_NE(twice, nullptr);
  EXPECT_EQ(openssl_offloadedKey(twice.get()), plain);
  EXPECT_TRUE(verify(plain, digest(), "text", sign(twice.get(), digest(), "text")));
}

TEST_P(OffloadKeyTest, KeepsTheRealKeyAlive) {
  Key real = make_key(GetParam());
  const Key ours = offload(real.get());
  real.reset();
  EXPECT_TRUE(verify(ours.get(), digest(), "text", sign(ours.get(), digest(), "text")));
}

TEST_P(OffloadKeyTest, WorksWithAKeyOfAnotherLibraryContext) {
  OSSL_LIB_CTX* libctx = OSSL_LIB_CTX_new();
  {
    const Key real = make_key(GetParam(), libctx);
    const Key ours(openssl_offloadKey(real.get(), libctx, "provider=default", 0));
    ASSERT_NE(ours, nullptr);
    EXPECT_TRUE(verify(real.get(), digest(), "text", sign(ours.get(), digest(), "text")));
  }
  OSSL_LIB_CTX_free(libctx);
}

TEST_P(OffloadKeyTest, FetchesByTheKeysPropertiesOnly) {
  const Key ours(openssl_offloadKey(plain, nullptr, "provider=nobody", 0));
  ASSERT_NE(ours, nullptr);
  EXPECT_EQ(sign(ours.get(), digest(), "text"), "");
}

// As a context has them where FIPS is demanded.
TEST_P(OffloadKeyTest, FetchesByTheDefaultPropertiesOfTheKeysContext) {
  OSSL_LIB_CTX* libctx = OSSL_LIB_CTX_new();
  {
    const Key real = make_key(GetParam(), libctx);
    const Key ours(openssl_offloadKey(real.get(), libctx, nullptr, 0));
    ASSERT_NE(ours, nullptr);
    EXPECT_NE(sign(ours.get(), digest(), "text"), "");
    const Key later(openssl_offloadKey(real.get(), libctx, nullptr, 0));
    ASSERT_EQ(EVP_set_default_properties(libctx, "provider=nobody"), 1);
    EXPECT_EQ(sign(later.get(), digest(), "text"), "");
  }
  OSSL_LIB_CTX_free(libctx);
}

INSTANTIATE_TEST_SUITE_P(Types, OffloadKeyTest, kEveryType, type_as_name);

class OffloadEcKeyTest : public OffloadTest {
 protected:
  OffloadEcKeyTest() : OffloadTest(KeyType::kEcP384) {}
};

TEST_F(OffloadEcKeyTest, AnswersWhatTls12AsksOfIt) {
  EXPECT_EQ(EVP_PKEY_get_ec_point_conv_form(offloaded.get()), POINT_CONVERSION_UNCOMPRESSED);
  EXPECT_EQ(EVP_PKEY_get_field_type(offloaded.get()), NID_X9_62_prime_field);
  EXPECT_EQ(text_param(offloaded.get(), OSSL_PKEY_PARAM_GROUP_NAME), "secp384r1");
}

TEST_F(OffloadEcKeyTest, DiffersInParametersFromAnotherCurve) {
  const Key other = offload(shared_key(KeyType::kEcP256));
  EXPECT_EQ(EVP_PKEY_parameters_eq(offloaded.get(), plain), 1);
  EXPECT_EQ(EVP_PKEY_parameters_eq(offloaded.get(), other.get()), 0);
}

TEST(OffloadKeyMakingTest, LeavesTheDefaultLibraryContextAlone) {
  const Key ours = offload(shared_key(KeyType::kRsa));
  ASSERT_NE(ours, nullptr);
  EXPECT_FALSE(OSSL_PROVIDER_available(nullptr, "openssl_event"));
}

TEST(OffloadKeyMakingTest, FailsForOtherTypes) {
  const Key x25519(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"));
  EXPECT_EQ(offload(x25519.get()), nullptr);
  EXPECT_EQ(ERR_GET_LIB(ERR_peek_last_error()), ERR_LIB_PROV);
  ERR_clear_error();
}

TEST(OffloadKeyMakingTest, FailsWithoutAKeyAndForUnknownFlags) {
  EXPECT_EQ(offload(nullptr), nullptr);
  EXPECT_EQ(offload(shared_key(KeyType::kEcP256), 2), nullptr);
  ERR_clear_error();
}

}  // namespace
}  // namespace openssl_event::testing
