// Decryption and key exchange with an offloaded key.
#include <string>

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/prov_ssl.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>

#include "tests/openssl_event/offload_fixture.h"
#include "tests/support/evp.h"

namespace openssl_event::testing {
namespace {

bool use_padding(EVP_PKEY_CTX* context, int padding) { return EVP_PKEY_CTX_set_rsa_padding(context, padding) > 0; }

bool use_oaep(EVP_PKEY_CTX* context) {
  void* label = OPENSSL_strdup("label");
  return use_padding(context, RSA_PKCS1_OAEP_PADDING) && EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) > 0 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha384()) > 0 &&
         EVP_PKEY_CTX_set0_rsa_oaep_label(context, label, 5) > 0;
}

// As a server of that version decrypts a premaster secret (RFC 5246 7.4.7.1).
Adjust tls_padding(unsigned int client_version, unsigned int negotiated_version = 0) {
  return [=](EVP_PKEY_CTX* context) mutable {
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_uint(OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION, &client_version),
        OSSL_PARAM_construct_uint(OSSL_ASYM_CIPHER_PARAM_TLS_NEGOTIATED_VERSION, &negotiated_version),
        OSSL_PARAM_construct_end()};
    return use_padding(context, RSA_PKCS1_WITH_TLS_PADDING) && EVP_PKEY_CTX_set_params(context, params) > 0;
  };
}

// A premaster secret of 48 bytes that begins with the version.
std::string premaster(unsigned int version) {
  std::string secret(SSL_MAX_MASTER_KEY_LENGTH, '\x5a');
  secret[0] = static_cast<char>(version >> 8);
  secret[1] = static_cast<char>(version);
  return secret;
}

class OffloadDecryptTest : public OffloadTest {
 protected:
  OffloadDecryptTest() : OffloadTest(KeyType::kRsa) {}
};

TEST_F(OffloadDecryptTest, GoesBothWaysWithEveryPadding) {
  for (int padding : {RSA_PKCS1_PADDING, RSA_PKCS1_OAEP_PADDING, RSA_NO_PADDING}) {
    const Adjust adjust = [padding](EVP_PKEY_CTX* context) { return use_padding(context, padding); };
    const std::string text(padding == RSA_NO_PADDING ? 256 : 30, '\7');
    EXPECT_EQ(decrypt(offloaded.get(), encrypt(plain, text, adjust), adjust), text) << padding;
    EXPECT_EQ(decrypt(plain, encrypt(offloaded.get(), text, adjust), adjust), text) << padding;
  }
}

TEST_F(OffloadDecryptTest, GoesBothWaysWithParametersOfOaep) {
  EXPECT_EQ(decrypt(offloaded.get(), encrypt(plain, "text", use_oaep), use_oaep), "text");
  EXPECT_EQ(decrypt(plain, encrypt(offloaded.get(), "text", use_oaep), use_oaep), "text");
}

TEST_F(OffloadDecryptTest, FailsForAnotherLabelOfOaep) {
  const Adjust no_label = [](EVP_PKEY_CTX* context) { return use_padding(context, RSA_PKCS1_OAEP_PADDING); };
  EXPECT_EQ(decrypt(offloaded.get(), encrypt(plain, "text", use_oaep), no_label), "");
}

TEST_F(OffloadDecryptTest, TellsTheParametersOfOaepBack) {
  const Adjust check = [](EVP_PKEY_CTX* context) {
    const EVP_MD* md = nullptr;
    unsigned char* label = nullptr;
    return use_oaep(context) && EVP_PKEY_CTX_get_rsa_oaep_md(context, &md) > 0 && EVP_MD_is_a(md, "SHA256") &&
           EVP_PKEY_CTX_get0_rsa_oaep_label(context, &label) == 5;
  };
  EXPECT_NE(encrypt(offloaded.get(), "text", check), "");
}

TEST_F(OffloadDecryptTest, OfACopiedContextWorks) {
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, offloaded.get(), nullptr));
  ASSERT_EQ(EVP_PKEY_decrypt_init(context.get()), 1);
  ASSERT_TRUE(use_oaep(context.get()));
  const KeyContext copy(EVP_PKEY_CTX_dup(context.get()));
  ASSERT_NE(copy, nullptr);
  const std::string text = encrypt(plain, "text", use_oaep);
  unsigned char out[256];
  size_t len = sizeof out;
  ASSERT_EQ(EVP_PKEY_decrypt(copy.get(), out, &len, reinterpret_cast<const unsigned char*>(text.data()), text.size()),
            1);
  EXPECT_EQ(std::string(out, out + len), "text");
}

TEST_F(OffloadDecryptTest, GivesThePremasterSecret) {
  const std::string text = encrypt(plain, premaster(TLS1_2_VERSION));
  EXPECT_EQ(decrypt(offloaded.get(), text, tls_padding(TLS1_2_VERSION)), premaster(TLS1_2_VERSION));
}

TEST_F(OffloadDecryptTest, AllowsForTheNegotiatedVersionToo) {
  const std::string text = encrypt(plain, premaster(TLS1_1_VERSION));
  EXPECT_EQ(decrypt(offloaded.get(), text, tls_padding(TLS1_2_VERSION, TLS1_1_VERSION)), premaster(TLS1_1_VERSION));
}

// What the peer sees of a bad one is nothing: 48 bytes that nobody knows.
TEST_F(OffloadDecryptTest, GivesARandomPremasterSecretForABadOne) {
  const std::string bad[] = {encrypt(plain, premaster(TLS1_1_VERSION)), encrypt(plain, "too short"),
                             std::string(256, '\x11')};
  for (const std::string& text : bad) {
    const std::string ours = decrypt(offloaded.get(), text, tls_padding(TLS1_2_VERSION));
    const std::string real = decrypt(plain, text, tls_padding(TLS1_2_VERSION));
    EXPECT_EQ(ours.size(), real.size());
    EXPECT_EQ(ours.size(), static_cast<size_t>(SSL_MAX_MASTER_KEY_LENGTH));
    EXPECT_NE(ours, decrypt(offloaded.get(), text, tls_padding(TLS1_2_VERSION)));
  }
}

TEST_F(OffloadDecryptTest, AnswersATextOfTheWrongLengthAsTheRealKeyDoes) {
  for (size_t len : {1, 255, 257}) {
    const std::string text(len, '\x11');
    EXPECT_EQ(decrypt(offloaded.get(), text, tls_padding(TLS1_2_VERSION)).size(),
              decrypt(plain, text, tls_padding(TLS1_2_VERSION)).size());
    EXPECT_EQ(decrypt(offloaded.get(), text), decrypt(plain, text));
  }
}

TEST_F(OffloadDecryptTest, IsNotOfferedByAnEcKey) {
  EXPECT_EQ(decrypt(offload(shared_key(KeyType::kEcP256)).get(), "text"), "");
}

class OffloadDeriveTest : public OffloadTest {
 protected:
  OffloadDeriveTest() : OffloadTest(KeyType::kEcP256) {}
  Key peer = make_key(KeyType::kEcP256);
};

TEST_F(OffloadDeriveTest, GivesTheSecretOfTheRealKey) {
  EXPECT_EQ(derive(offloaded.get(), peer.get()), derive(peer.get(), plain));
  EXPECT_NE(derive(peer.get(), plain), "");
}

TEST_F(OffloadDeriveTest, TakesAnOffloadedPeer) {
  EXPECT_EQ(derive(offloaded.get(), offload(peer.get()).get()), derive(plain, peer.get()));
}

// As CMS does (RFC 5753): the peer's bytes on the parameters of the key.
TEST_F(OffloadDeriveTest, TakesAPeerMadeOfItsOwnParameters) {
  const Key other(EVP_PKEY_new());
  ASSERT_EQ(EVP_PKEY_copy_parameters(other.get(), offloaded.get()), 1);
  unsigned char* bytes = nullptr;
  const size_t len = EVP_PKEY_get1_encoded_public_key(peer.get(), &bytes);
  ASSERT_EQ(EVP_PKEY_set1_encoded_public_key(other.get(), bytes, len), 1);
  OPENSSL_free(bytes);
  EXPECT_EQ(derive(offloaded.get(), other.get()), derive(plain, peer.get()));
}

TEST_F(OffloadDeriveTest, ForwardsTheKeyDerivationFunction) {
  const Adjust kdf = [](EVP_PKEY_CTX* context) {
    return EVP_PKEY_CTX_set_ecdh_kdf_type(context, EVP_PKEY_ECDH_KDF_X9_63) > 0 &&
           EVP_PKEY_CTX_set_ecdh_kdf_md(context, EVP_sha256()) > 0 &&
           EVP_PKEY_CTX_set_ecdh_kdf_outlen(context, 77) > 0;
  };
  EXPECT_EQ(derive(offloaded.get(), peer.get(), kdf).size(), 77u);
  EXPECT_EQ(derive(offloaded.get(), peer.get(), kdf), derive(plain, peer.get(), kdf));
}

TEST_F(OffloadDeriveTest, RefusesAPeerOfAnotherCurve) {
  EXPECT_EQ(derive(offloaded.get(), shared_key(KeyType::kEcP384)), "");
}

}  // namespace
}  // namespace openssl_event::testing
