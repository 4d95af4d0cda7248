// A signature that begins with a copy is like one that begins by fetching.
#include <string>

#include <openssl/rsa.h>

#include "openssl_event/offload_templates.h"
#include "tests/openssl_event/offload_fixture.h"
#include "tests/support/evp.h"

namespace openssl_event::testing {
namespace {

const char* const kDigests[] = {"SHA1", "SHA224", "SHA256", "SHA384", "SHA512", "SHA3-256"};

class OffloadTemplatesTest : public OffloadTest {
 protected:
  OffloadTemplatesTest() : OffloadTest(KeyType::kRsa) {}

  DigestContext initialized(const char* digest) {
    DigestContext context(EVP_MD_CTX_new());
    EXPECT_EQ(EVP_DigestSignInit_ex(context.get(), nullptr, digest, nullptr, nullptr, plain, nullptr), 1);
    return context;
  }
  bool gives(const char* digest) {
    const DigestContext context(EVP_MD_CTX_new());
    return templates.copy_to(context.get(), digest) &&
           EVP_MD_is_a(EVP_MD_CTX_get0_md(context.get()), digest == nullptr ? "SHA256" : digest);
  }

  SignTemplates templates;
};

TEST_F(OffloadTemplatesTest, GiveNothingBeforeTheyHaveIt) { EXPECT_FALSE(gives("SHA256")); }

TEST_F(OffloadTemplatesTest, GiveWhatTheyKeep) {
  templates.keep(initialized("SHA256").get(), "SHA256");
  EXPECT_TRUE(gives("SHA256"));
  EXPECT_FALSE(gives("SHA384"));
  EXPECT_FALSE(gives(nullptr));
}

TEST_F(OffloadTemplatesTest, KeepTheDigestThatTheKeyChooses) {
  templates.keep(initialized(nullptr).get(), nullptr);
  EXPECT_TRUE(gives(nullptr));
}

TEST_F(OffloadTemplatesTest, KeepTheFirstFew) {
  for (const char* digest : kDigests) templates.keep(initialized(digest).get(), digest);
  EXPECT_TRUE(gives("SHA384"));
  EXPECT_FALSE(gives("SHA3-256"));
}

TEST_F(OffloadTemplatesTest, DoNotKeepANameThatIsTooLong) {
  const std::string name(100, 'x');
  templates.keep(initialized("SHA256").get(), name.c_str());
  EXPECT_FALSE(gives(name.c_str()));
}

TEST_F(OffloadTemplatesTest, SignWithEveryDigestAgainAndAgain) {
  for (int i = 0; i < 3; ++i)
    for (const char* digest : kDigests)
      EXPECT_TRUE(verify(plain, digest, "text", sign(offloaded.get(), digest, "text"))) << digest;
}

TEST_F(OffloadTemplatesTest, RememberNothingOfASignature) {
  const Adjust pss = [](EVP_PKEY_CTX* context) {
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0;
  };
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(verify(plain, "SHA256", "text", sign(offloaded.get(), "SHA256", "text", pss), pss));
    EXPECT_TRUE(verify(plain, "SHA256", "text", sign(offloaded.get(), "SHA256", "text")));
    EXPECT_TRUE(verify(plain, "SHA256", "text", sign_in_pieces(offloaded.get(), "SHA256", "text")));
  }
}

}  // namespace
}  // namespace openssl_event::testing
