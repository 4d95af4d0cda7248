// The operands of a signature, and who may fill in its result.
#include <cstring>
#include <string>

#include <openssl/rsa.h>

#include "openssl_event/sign_operation.h"
#include "tests/openssl_event/offload_fixture.h"
#include "tests/support/evp.h"

namespace openssl_event::testing {
namespace {

const std::string kMessage = "to be signed";

// An operation as the provider makes it, and the call in which it is exposed.
class SignOperationTest : public ::testing::Test {
 protected:
  ~SignOperationTest() override { drop(); }

  void prepare(KeyType type, const char* digest, const Adjust& adjust = {}) {
    OffloadedKey* key = make_key_data(type);
    InnerContext inner;
    ASSERT_TRUE(inner.make_digest());
    ASSERT_EQ(EVP_DigestSignInit_ex(inner.md(), inner.pkey_address(), digest, nullptr, nullptr, key->inner(), nullptr),
              1);
    finish(*key, inner, kMessage, adjust);
  }
  void prepare_of_digest(KeyType type, const std::string& hashed, const Adjust& adjust = {}) {
    OffloadedKey* key = make_key_data(type);
    InnerContext inner;
    ASSERT_TRUE(inner.make_plain(*key));
    ASSERT_EQ(EVP_PKEY_sign_init(inner.pkey()), 1);
    finish(*key, inner, hashed, adjust);
  }
  std::string run() {
    EXPECT_TRUE(operation->run(call));
    return collected();
  }
  // What arrives at libssl, in a buffer of that size.
  std::string collected(size_t size = 1024) {
    operation->collect(call);
    std::string signature(size, '\0');
    const bool done = operation->copy_signature(reinterpret_cast<unsigned char*>(signature.data()), &size, size);
    ERR_clear_error();
    return done ? signature.substr(0, size) : "";
  }

  SignOperation* operation = nullptr;
  OPENSSL_ENGINE_CALL call = {};
  OPENSSL_SIGN& operands = call.u.s;

 private:
  void drop() {
    if (operation != nullptr) operation->unref();
    operation = nullptr;
  }
  static OffloadedKey* make_key_data(KeyType type) {
    OffloadedKey* key = OffloadedKey::make(EVP_PKEY_get0_type_name(shared_key(type)));
    EXPECT_TRUE(key->adopt({shared_key(type), nullptr, nullptr, 0}));
    return key;
  }
  // From here on the operation alone holds the key and the context.
  void finish(OffloadedKey& key, InnerContext& inner, const std::string& tbs, const Adjust& adjust) {
    drop();
    EXPECT_TRUE(!adjust || adjust(inner.pkey()));
    SignSettings settings;
    settings.reset(key.type());
    const auto* bytes = reinterpret_cast<const unsigned char*>(tbs.data());
    operation = SignOperation::make(key, settings, inner, bytes, tbs.size());
    key.unref();
    ASSERT_NE(operation, nullptr);
    operation->expose(call);
  }
};

Adjust pss(int salt_length) {
  return [=](EVP_PKEY_CTX* context) {
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt_length) > 0;
  };
}

TEST_F(SignOperationTest, ShowsTheRealKeyAndACopyOfTheMessage) {
  prepare(KeyType::kEcP256, "SHA384");
  EXPECT_EQ(operation->optype(), OPENSSL_OPERATION_SIGN);
  EXPECT_EQ(operands.key, shared_key(KeyType::kEcP256));
  EXPECT_EQ(std::string(operands.tbs, operands.tbs + operands.tbs_len), kMessage);
  EXPECT_EQ(operands.prehashed, 0);
  EXPECT_EQ(operands.signature_size, static_cast<size_t>(EVP_PKEY_get_size(operands.key)));
}

TEST_F(SignOperationTest, ShowsNoPaddingOfAnEcKey) {
  prepare(KeyType::kEcP256, "SHA384");
  EXPECT_STREQ(operands.digest, "SHA384");
  EXPECT_EQ(operands.mgf1_digest, nullptr);
  EXPECT_EQ(operands.padding, 0);
  EXPECT_EQ(operands.salt_length, 0);
}

TEST_F(SignOperationTest, ShowsNoDigestOfEd25519) {
  prepare(KeyType::kEd25519, nullptr);
  EXPECT_EQ(operands.digest, nullptr);
  EXPECT_EQ(operands.padding, 0);
}

TEST_F(SignOperationTest, NamesDigestsAsTheHeaderDoes) {
  for (const char* name : {"SHA2-256", "sha256", "SHA-256"}) {
    prepare(KeyType::kRsa, name);
    EXPECT_STREQ(operands.digest, "SHA256");
  }
  prepare(KeyType::kRsa, "SHA2-512/256");
  EXPECT_STREQ(operands.digest, "SHA512-256");
}

TEST_F(SignOperationTest, ShowsPkcs1UnlessPssIsChosen) {
  prepare(KeyType::kRsa, "SHA256");
  EXPECT_EQ(operands.padding, RSA_PKCS1_PADDING);
  EXPECT_EQ(operands.salt_length, 0);
  EXPECT_EQ(operands.mgf1_digest, nullptr);
}

TEST_F(SignOperationTest, ShowsPssOfAnRsaPssKey) {
  prepare(KeyType::kRsaPss, "SHA256");
  EXPECT_EQ(operands.padding, RSA_PKCS1_PSS_PADDING);
  EXPECT_STREQ(operands.mgf1_digest, "SHA256");
}

TEST_F(SignOperationTest, ShowsTheSaltInBytes) {
  prepare(KeyType::kRsa, "SHA384", pss(20));
  EXPECT_EQ(operands.salt_length, 20);
}

TEST_F(SignOperationTest, ResolvesASaltAsLongAsTheDigest) {
  prepare(KeyType::kRsa, "SHA384", pss(RSA_PSS_SALTLEN_DIGEST));
  EXPECT_EQ(operands.salt_length, 48);
}

TEST_F(SignOperationTest, ResolvesTheLongestSalt) {
  prepare(KeyType::kRsa, "SHA384", pss(RSA_PSS_SALTLEN_MAX));
  EXPECT_EQ(operands.salt_length, 256 - 48 - 2);
}

TEST_F(SignOperationTest, ResolvesAnAutomaticSaltToTheLongest) {
  prepare(KeyType::kRsa, "SHA384", pss(RSA_PSS_SALTLEN_AUTO));
  EXPECT_EQ(operands.salt_length, 256 - 48 - 2);
}

TEST_F(SignOperationTest, ShowsThatTheMessageIsADigest) {
  prepare_of_digest(KeyType::kRsa, hash("SHA256", kMessage), [](EVP_PKEY_CTX* context) {
    return EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) > 0 && pss(RSA_PSS_SALTLEN_DIGEST)(context);
  });
  EXPECT_EQ(operands.prehashed, 1);
  EXPECT_STREQ(operands.digest, "SHA256");
  EXPECT_EQ(operands.salt_length, 32);
}

TEST_F(SignOperationTest, ShowsNoDigestWhereNoneIsChosen) {
  prepare_of_digest(KeyType::kRsa, "any bytes");
  EXPECT_EQ(operands.digest, nullptr);
  EXPECT_TRUE(operation->is_expressible());
}

TEST_F(SignOperationTest, DoesNotPutIntoOperandsWhatTheyCannotSay) {
  prepare_of_digest(KeyType::kRsa, std::string(256, '\1'), [](EVP_PKEY_CTX* context) {
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) > 0;
  });
  EXPECT_FALSE(operation->is_expressible());
}

TEST_F(SignOperationTest, SignsByWhatItsOperandsSay) {
  prepare(KeyType::kRsa, "SHA384", pss(RSA_PSS_SALTLEN_AUTO));
  EXPECT_TRUE(verify(shared_key(KeyType::kRsa), "SHA384", kMessage, run(), pss(operands.salt_length)));
}

TEST_F(SignOperationTest, TakesTheSignatureOfAnotherEngine) {
  prepare(KeyType::kEcP256, "SHA256");
  const std::string signature = sign(operands.key, operands.digest, kMessage);
  std::memcpy(operands.signature, signature.data(), signature.size());
  operands.signature_len = signature.size();
  EXPECT_EQ(collected(), signature);
}

TEST_F(SignOperationTest, RefusesALengthThatCannotBe) {
  prepare(KeyType::kEcP256, "SHA256");
  operands.signature_len = operands.signature_size + 1;
  EXPECT_EQ(collected(), "");
  operands.signature_len = 0;
  EXPECT_EQ(collected(), "");
}

TEST_F(SignOperationTest, RefusesABufferThatIsTooSmall) {
  prepare(KeyType::kRsa, "SHA256");
  ASSERT_NE(run(), "");
  EXPECT_EQ(collected(255), "");
}

}  // namespace
}  // namespace openssl_event::testing
