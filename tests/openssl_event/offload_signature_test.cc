// Signatures of an offloaded key are the real key's, in every form of the EVP functions.
#include <string>

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "tests/openssl_event/offload_fixture.h"
#include "tests/support/evp.h"

namespace openssl_event::testing {
namespace {

const std::string kMessage = "Events are made by the library only.";

// An EVP_MD_CTX that signs with the key.
DigestContext signing(EVP_PKEY* key, const char* digest, EVP_PKEY_CTX** inner = nullptr) {
  DigestContext context(EVP_MD_CTX_new());
  EXPECT_EQ(EVP_DigestSignInit_ex(context.get(), inner, digest, nullptr, nullptr, key, nullptr), 1);
  return context;
}

std::string finish(const DigestContext& context) {
  std::string signature(1024, '\0');
  size_t len = signature.size();
  const int done = EVP_DigestSignFinal(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &len);
  signature.resize(done > 0 ? len : 0);
  ERR_clear_error();
  return signature;
}

std::string one_shot(const DigestContext& context) {
  std::string signature(1024, '\0');
  size_t len = signature.size();
  const int done = EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &len,
                                  reinterpret_cast<const unsigned char*>(kMessage.data()), kMessage.size());
  signature.resize(done > 0 ? len : 0);
  ERR_clear_error();
  return signature;
}

using OffloadSignatureTest = EveryOffloadTest;

TEST_P(OffloadSignatureTest, InOneCallIsValidForTheRealKey) {
  const std::string signature = sign(offloaded.get(), digest(), kMessage);
  EXPECT_TRUE(verify(plain, digest(), kMessage, signature));
  EXPECT_FALSE(verify(plain, digest(), "another message", signature));
}

TEST_P(OffloadSignatureTest, OfTheRealKeyIsValidForTheOffloadedOne) {
  const std::string signature = sign(plain, digest(), kMessage);
  EXPECT_TRUE(verify(offloaded.get(), digest(), kMessage, signature));
  EXPECT_FALSE(verify(offloaded.get(), digest(), "another message", signature));
}

TEST_P(OffloadSignatureTest, InPiecesWorksWhereItWorksWithTheRealKey) {
  const std::string signature = sign_in_pieces(offloaded.get(), digest(), kMessage);
  EXPECT_EQ(signature.empty(), sign_in_pieces(plain, digest(), kMessage).empty());
  EXPECT_EQ(!signature.empty(), verify(plain, digest(), kMessage, signature));
}

TEST_P(OffloadSignatureTest, IsVerifiedInPiecesWhereItWorksWithTheRealKey) {
  const std::string signature = sign(plain, digest(), kMessage);
  EXPECT_EQ(verify_in_pieces(offloaded.get(), digest(), kMessage, signature),
            verify_in_pieces(plain, digest(), kMessage, signature));
  EXPECT_FALSE(verify_in_pieces(offloaded.get(), digest(), "another message", signature));
}

TEST_P(OffloadSignatureTest, OfADigestWorksWhereItWorksWithTheRealKey) {
  const std::string hashed = hash("SHA256", kMessage);
  const std::string signature = sign_digest(offloaded.get(), hashed);
  EXPECT_EQ(signature.empty(), sign_digest(plain, hashed).empty());
  EXPECT_EQ(!signature.empty(), verify_digest(plain, hashed, signature));
  EXPECT_EQ(!signature.empty(), verify_digest(offloaded.get(), hashed, sign_digest(plain, hashed)));
}

TEST_P(OffloadSignatureTest, OfNothingIsValid) {
  EXPECT_TRUE(verify(plain, digest(), "", sign(offloaded.get(), digest(), "")));
}

TEST_P(OffloadSignatureTest, FailsForAnUnknownDigest) {
  EXPECT_EQ(sign(offloaded.get(), "NOSUCHDIGEST", kMessage), "");
  EXPECT_FALSE(verify(offloaded.get(), "NOSUCHDIGEST", kMessage, sign(plain, digest(), kMessage)));
}

TEST_P(OffloadSignatureTest, TellsItsSizeWithoutSigning) {
  size_t ours = 0, real = 0;
  EXPECT_EQ(EVP_DigestSign(signing(offloaded.get(), digest()).get(), nullptr, &ours, nullptr, 0), 1);
  EXPECT_EQ(EVP_DigestSign(signing(plain, digest()).get(), nullptr, &real, nullptr, 0), 1);
  EXPECT_EQ(ours, real);
}

TEST_P(OffloadSignatureTest, FailsInABufferThatIsTooSmall) {
  unsigned char signature[16];
  size_t len = sizeof signature;
  EXPECT_LE(EVP_DigestSign(signing(offloaded.get(), digest()).get(), signature, &len, signature, 1), 0);
  ERR_clear_error();
}

TEST_P(OffloadSignatureTest, OfACopiedContextGoesOnWhereItsOriginalWas) {
  const DigestContext context = signing(offloaded.get(), digest());
  const bool takes_parts = EVP_DigestSignUpdate(context.get(), "one ", 4) == 1;
  ERR_clear_error();
  ASSERT_EQ(takes_parts, !hashes_by_itself());
  if (!takes_parts) return;  // Ed25519 and Ed448 sign in one call only, the plain key as well
  const DigestContext copy(EVP_MD_CTX_new());
  ASSERT_EQ(EVP_MD_CTX_copy_ex(copy.get(), context.get()), 1);
  ASSERT_EQ(EVP_DigestSignUpdate(context.get(), "two", 3), 1);
  ASSERT_EQ(EVP_DigestSignUpdate(copy.get(), "three", 5), 1);
  EXPECT_TRUE(verify(plain, digest(), "one two", finish(context)));
  EXPECT_TRUE(verify(plain, digest(), "one three", finish(copy)));
}

TEST_P(OffloadSignatureTest, InOneCallOfACopiedContextIsValid) {
  const DigestContext context = signing(offloaded.get(), digest());
  const DigestContext copy(EVP_MD_CTX_new());
  ASSERT_EQ(EVP_MD_CTX_copy_ex(copy.get(), context.get()), 1);
  EXPECT_TRUE(verify(plain, digest(), kMessage, one_shot(context)));
  EXPECT_TRUE(verify(plain, digest(), kMessage, one_shot(copy)));
}

TEST_P(OffloadSignatureTest, OfAContextInitialisedAgainIsValid) {
  const DigestContext context = signing(offloaded.get(), digest());
  ASSERT_NE(one_shot(context), "");
  ASSERT_EQ(EVP_DigestSignInit_ex(context.get(), nullptr, digest(), nullptr, nullptr, nullptr, nullptr), 1);
  EXPECT_TRUE(verify(plain, digest(), kMessage, one_shot(context)));
}

TEST_P(OffloadSignatureTest, IsNeverTwoMessagesLong) {
  const DigestContext context = signing(offloaded.get(), digest());
  ASSERT_NE(one_shot(context), "");
  const std::string second = one_shot(context);
  EXPECT_TRUE(second.empty() || verify(plain, digest(), kMessage, second));
}

TEST_P(OffloadSignatureTest, ListsTheParametersOfTheRealKey) {
  EVP_PKEY_CTX *ours = nullptr, *real = nullptr;
  const DigestContext our_context = signing(offloaded.get(), digest(), &ours);
  const DigestContext real_context = signing(plain, digest(), &real);
  EXPECT_EQ(EVP_PKEY_CTX_gettable_params(ours), EVP_PKEY_CTX_gettable_params(real));
  if (EVP_PKEY_CTX_settable_params(real) != nullptr) {
    EXPECT_EQ(EVP_PKEY_CTX_settable_params(ours), EVP_PKEY_CTX_settable_params(real));
  }
  if (!hashes_by_itself()) {
    EXPECT_EQ(EVP_MD_CTX_gettable_params(our_context.get()), EVP_MD_CTX_gettable_params(real_context.get()));
  }
}

TEST_P(OffloadSignatureTest, OfACertificateIsValid) {
  const Certificate certificate = make_certificate(offloaded.get());
  EXPECT_EQ(X509_verify(certificate.get(), plain), 1);
  EXPECT_EQ(X509_verify(certificate.get(), offloaded.get()), 1);
}

TEST_P(OffloadSignatureTest, SurvivesThePropertyQueryOfTheCaller) {
  for (const char* query : {"provider=default", "?fips=yes", "?provider=other"}) {
    const DigestContext context(EVP_MD_CTX_new());
    ASSERT_EQ(EVP_DigestSignInit_ex(context.get(), nullptr, digest(), nullptr, query, offloaded.get(), nullptr), 1)
        << query;
    EXPECT_TRUE(verify(plain, digest(), kMessage, one_shot(context))) << query;
  }
}

INSTANTIATE_TEST_SUITE_P(Types, OffloadSignatureTest, kEveryType, type_as_name);

// ---- RSA's paddings ----

struct Padding {
  const char* name;
  int padding;
  int salt_length;
  const char* mgf1_digest;
};

class OffloadPaddingTest : public OffloadTest, public ::testing::WithParamInterface<Padding> {
 protected:
  OffloadPaddingTest() : OffloadTest(KeyType::kRsa) {}

  Adjust with_padding(const char* digest = nullptr) const {
    return [this, digest](EVP_PKEY_CTX* context) {
      const Padding& p = GetParam();
      return (!digest || EVP_PKEY_CTX_set_signature_md(context, EVP_get_digestbyname(digest)) > 0) &&
             EVP_PKEY_CTX_set_rsa_padding(context, p.padding) > 0 &&
             (p.padding != RSA_PKCS1_PSS_PADDING ||
              (EVP_PKEY_CTX_set_rsa_pss_saltlen(context, p.salt_length) > 0 &&
               (!p.mgf1_digest || EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, p.mgf1_digest, nullptr) > 0)));
    };
  }
};

TEST_P(OffloadPaddingTest, OfAMessageGoesBothWays) {
  const Adjust adjust = with_padding();
  EXPECT_TRUE(verify(plain, "SHA256", kMessage, sign(offloaded.get(), "SHA256", kMessage, adjust), adjust));
  EXPECT_TRUE(verify(plain, "SHA256", kMessage, sign_in_pieces(offloaded.get(), "SHA256", kMessage, adjust), adjust));
  EXPECT_TRUE(verify(offloaded.get(), "SHA256", kMessage, sign(plain, "SHA256", kMessage, adjust), adjust));
}

TEST_P(OffloadPaddingTest, OfADigestGoesBothWays) {
  const Adjust adjust = with_padding("SHA256");
  const std::string hashed = hash("SHA256", kMessage);
  EXPECT_TRUE(verify_digest(plain, hashed, sign_digest(plain, hashed, adjust), adjust));
  EXPECT_TRUE(verify_digest(plain, hashed, sign_digest(offloaded.get(), hashed, adjust), adjust));
  EXPECT_TRUE(verify_digest(offloaded.get(), hashed, sign_digest(plain, hashed, adjust), adjust));
}

TEST_P(OffloadPaddingTest, RecoversWhatTheRealKeyRecovers) {
  const Adjust adjust = with_padding("SHA256");
  const std::string signature = sign_digest(plain, hash("SHA256", kMessage), adjust);
  EXPECT_EQ(recover_digest(offloaded.get(), signature, adjust), recover_digest(plain, signature, adjust));
}

INSTANTIATE_TEST_SUITE_P(Paddings, OffloadPaddingTest,
                         ::testing::Values(Padding{"Pkcs1", RSA_PKCS1_PADDING, 0, nullptr},
                                           Padding{"X931", RSA_X931_PADDING, 0, nullptr},
                                           Padding{"PssDigest", RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST, nullptr},
                                           Padding{"PssAuto", RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_AUTO, nullptr},
                                           Padding{"PssMax", RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_MAX, nullptr},
                                           Padding{"Pss20", RSA_PKCS1_PSS_PADDING, 20, nullptr},
                                           Padding{"PssOtherMgf1", RSA_PKCS1_PSS_PADDING, 32, "SHA384"}),
                         [](const auto& padding) { return std::string(padding.param.name); });

class OffloadRsaTest : public OffloadTest {
 protected:
  OffloadRsaTest() : OffloadTest(KeyType::kRsa) {}
};

TEST_F(OffloadRsaTest, SignsWithoutPaddingAsTheRealKeyDoes) {
  const Adjust none = [](EVP_PKEY_CTX* context) { return EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) > 0; };
  const std::string block(256, '\1');
  EXPECT_EQ(sign_digest(offloaded.get(), block, none), sign_digest(plain, block, none));
  EXPECT_NE(sign_digest(plain, block, none), "");
}

TEST_F(OffloadRsaTest, SignsADigestWithoutDigestInfoAsTheRealKeyDoes) {
  const std::string signature = sign_digest(offloaded.get(), "36 bytes, as MD5 and SHA1 together..");
  EXPECT_EQ(signature, sign_digest(plain, "36 bytes, as MD5 and SHA1 together.."));
  EXPECT_EQ(recover_digest(offloaded.get(), signature), "36 bytes, as MD5 and SHA1 together..");
}

TEST_F(OffloadRsaTest, TellsItsParametersBack) {
  const Adjust check = [](EVP_PKEY_CTX* context) {
    int padding = 0, salt_length = 0;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, 17) > 0 && EVP_PKEY_CTX_get_rsa_padding(context, &padding) > 0 &&
           EVP_PKEY_CTX_get_rsa_pss_saltlen(context, &salt_length) > 0 && padding == RSA_PKCS1_PSS_PADDING &&
           salt_length == 17;
  };
  EXPECT_NE(sign(offloaded.get(), "SHA256", kMessage, check), "");
}

TEST_F(OffloadRsaTest, RefusesPaddingsThatTheRealKeyRefuses) {
  const Adjust oaep = [](EVP_PKEY_CTX* context) {
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0;
  };
  EXPECT_EQ(sign(plain, "SHA256", kMessage, oaep), "");
  EXPECT_EQ(sign(offloaded.get(), "SHA256", kMessage, oaep), "");
}

TEST_F(OffloadRsaTest, WritesTheIdentifierOfItsAlgorithm) {
  unsigned char ours[64], real[64];
  OSSL_PARAM our_params[] = {OSSL_PARAM_construct_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, ours, sizeof ours),
                             OSSL_PARAM_construct_end()};
  OSSL_PARAM real_params[] = {OSSL_PARAM_construct_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, real, sizeof real),
                              OSSL_PARAM_construct_end()};
  const Adjust ask_ours = [&](EVP_PKEY_CTX* context) { return EVP_PKEY_CTX_get_params(context, our_params) > 0; };
  const Adjust ask_real = [&](EVP_PKEY_CTX* context) { return EVP_PKEY_CTX_get_params(context, real_params) > 0; };
  ASSERT_NE(sign(offloaded.get(), "SHA256", kMessage, ask_ours), "");
  ASSERT_NE(sign(plain, "SHA256", kMessage, ask_real), "");
  EXPECT_EQ(std::string(ours, ours + our_params[0].return_size), std::string(real, real + real_params[0].return_size));
}

}  // namespace
}  // namespace openssl_event::testing
