// What is known of a signature when the real key's provider does not tell.
#include <string>

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include "openssl_event/offload_settings.h"

namespace openssl_event::testing {
namespace {

class OffloadSettingsTest : public ::testing::Test {
 protected:
  OffloadSettingsTest() { settings.reset("RSA"); }

  void note_text(const char* name, std::string value) {
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(name, value.data(), 0), OSSL_PARAM_construct_end()};
    settings.note(params);
  }
  void note_number(const char* name, int value) {
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_int(name, &value), OSSL_PARAM_construct_end()};
    settings.note(params);
  }
  std::string normalized(std::string name) {
    normalize_digest(name.data());
    return name.c_str();
  }

  SignSettings settings;
};

TEST_F(OffloadSettingsTest, BeginWithThePaddingOfTheKeysType) {
  EXPECT_EQ(settings.padding, RSA_PKCS1_PADDING);
  settings.reset("RSA-PSS");
  EXPECT_EQ(settings.padding, RSA_PKCS1_PSS_PADDING);
  settings.reset("EC");
  EXPECT_EQ(settings.padding, 0);
}

TEST_F(OffloadSettingsTest, TakeAPaddingByNameOrNumber) {
  note_text(OSSL_SIGNATURE_PARAM_PAD_MODE, OSSL_PKEY_RSA_PAD_MODE_PSS);
  EXPECT_EQ(settings.padding, RSA_PKCS1_PSS_PADDING);
  note_number(OSSL_SIGNATURE_PARAM_PAD_MODE, RSA_X931_PADDING);
  EXPECT_EQ(settings.padding, RSA_X931_PADDING);
}

TEST_F(OffloadSettingsTest, TakeASaltByNameDigitsOrNumber) {
  note_text(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST);
  EXPECT_EQ(settings.salt_length, RSA_PSS_SALTLEN_DIGEST);
  note_text(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, "17");
  EXPECT_EQ(settings.salt_length, 17);
  note_number(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, RSA_PSS_SALTLEN_MAX);
  EXPECT_EQ(settings.salt_length, RSA_PSS_SALTLEN_MAX);
}

TEST_F(OffloadSettingsTest, TakeDigestsByName) {
  note_text(OSSL_SIGNATURE_PARAM_DIGEST, "SHA384");
  note_text(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, "SHA1");
  EXPECT_STREQ(settings.digest, "SHA384");
  EXPECT_STREQ(settings.mgf1_digest, "SHA1");
}

TEST_F(OffloadSettingsTest, KeepWhatIsNotNamed) {
  note_number(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, 17);
  note_text(OSSL_SIGNATURE_PARAM_DIGEST, "SHA384");
  settings.note(nullptr);
  EXPECT_EQ(settings.salt_length, 17);
  EXPECT_EQ(settings.padding, RSA_PKCS1_PADDING);
}

TEST_F(OffloadSettingsTest, AreNotExpressibleForAVariantOfEd25519) {
  settings.reset("ED25519");
  EXPECT_TRUE(settings.is_expressible());
  note_text("instance", "Ed25519ph");
  EXPECT_FALSE(settings.is_expressible());
}

TEST_F(OffloadSettingsTest, AreNotExpressibleForOtherPaddings) {
  note_text(OSSL_SIGNATURE_PARAM_PAD_MODE, OSSL_PKEY_RSA_PAD_MODE_NONE);
  EXPECT_FALSE(settings.is_expressible());
}

// emLen - hLen - 2, where emLen is a byte less than the modulus if that has 8n + 1 bits (RFC 8017 8.1.1, 9.1.1).
TEST_F(OffloadSettingsTest, CountTheLongestSaltInBytes) {
  settings.salt_length = RSA_PSS_SALTLEN_MAX;
  EXPECT_EQ(settings.salt_bytes(32, 2048), 222);
  EXPECT_EQ(settings.salt_bytes(32, 2049), 222);
  EXPECT_EQ(settings.salt_bytes(32, 2050), 223);
  EXPECT_EQ(settings.salt_bytes(64, 512), 0);
}

TEST_F(OffloadSettingsTest, CutAnAutomaticSaltToTheDigest) {
  note_text(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, "auto-digestmax");
  EXPECT_EQ(settings.salt_bytes(32, 2048), 32);
  EXPECT_EQ(settings.salt_bytes(64, 1024), 62);
}

TEST_F(OffloadSettingsTest, NameDigestsAsOpenSslsTablesDo) {
  EXPECT_EQ(normalized("SHA2-256"), "SHA256");
  EXPECT_EQ(normalized("SHA2-512/256"), "SHA512-256");
  EXPECT_EQ(normalized("SHA1"), "SHA1");
  EXPECT_EQ(normalized("MD5-SHA1"), "MD5-SHA1");
  EXPECT_EQ(normalized("SHA3-256"), "SHA3-256");
}

}  // namespace
}  // namespace openssl_event::testing
