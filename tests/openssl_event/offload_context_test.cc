// The library context in which everything is interposed: it can what any can, and leaves the others alone.
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/encoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>

#include <string>

#include "tests/openssl_event/interposed.h"

namespace openssl_event::testing {
namespace {

std::string provider_of(OSSL_LIB_CTX* library, const char* key_manager) {
  EVP_KEYMGMT* manager = EVP_KEYMGMT_fetch(library, key_manager, nullptr);
  const std::string name = manager ? OSSL_PROVIDER_get0_name(EVP_KEYMGMT_get0_provider(manager)) : "";
  EVP_KEYMGMT_free(manager);
  return name;
}

std::string private_pem(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  EXPECT_EQ(PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr), 1);
  char* text = nullptr;
  const long len = BIO_get_mem_data(bio, &text);
  std::string pem(text, static_cast<std::size_t>(len));
  BIO_free(bio);
  return pem;
}

TEST(OffloadContext, PrefersOursAndLeavesTheDefaultContextAlone) {
  const Library library = make_offload_library();
  ASSERT_NE(library, nullptr);
  for (const char* type : {"RSA", "RSA-PSS", "EC", "ED25519", "ED448", "X25519", "X448", "DH"}) {
    EXPECT_EQ(provider_of(library.get(), type), "openssl_event") << type;
    EXPECT_EQ(provider_of(nullptr, type), "default") << type;
  }
  EXPECT_EQ(provider_of(library.get(), "HMAC"), "default");
  EXPECT_EQ(OSSL_PROVIDER_available(nullptr, "openssl_event"), 0);
}

TEST(OffloadContext, HasTheProvidersOfTheOther) {
  const Library other(OSSL_LIB_CTX_new());
  OSSL_PROVIDER* null = OSSL_PROVIDER_load(other.get(), "null");
  OSSL_PROVIDER* standard = OSSL_PROVIDER_load(other.get(), "default");
  {
    const Library library(openssl_newOffloadContext(other.get(), nullptr, nullptr));
    ASSERT_NE(library, nullptr);
    EXPECT_EQ(OSSL_PROVIDER_available(library.get(), "null"), 1);
    EXPECT_EQ(provider_of(library.get(), "EC"), "openssl_event");
  }
  OSSL_PROVIDER_unload(null);
  OSSL_PROVIDER_unload(standard);
}

TEST(OffloadContext, MayStandOnAnother) {
  const Library first = make_offload_library();
  const Library second(openssl_newOffloadContext(first.get(), nullptr, nullptr));
  ASSERT_NE(second, nullptr);
  Interposed interposed(kExchanges[0], second.get());
  interposed.make_ends();
  carry(*interposed.client, *interposed.server);
  EXPECT_TRUE(interposed.client->established());
}

TEST(OffloadContext, FailsForAConfigurationThatIsNone) {
  EXPECT_EQ(openssl_newOffloadContext(nullptr, nullptr, "/nonexistent.cnf"), nullptr);
  ERR_clear_error();
}

// Keys that are made or read in it are keys like any others.
class KeysOfIt : public ::testing::TestWithParam<const char*> {
 protected:
  Key generate() {
    const std::string type = GetParam();
    if (type == "RSA" || type == "RSA-PSS") {
      EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(library.get(), GetParam(), nullptr);
      EVP_PKEY* key = nullptr;
      std::size_t bits = 1024;
      OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_PKEY_PARAM_RSA_BITS, &bits), OSSL_PARAM_construct_end()};
      EXPECT_TRUE(EVP_PKEY_keygen_init(context) > 0 && EVP_PKEY_CTX_set_params(context, params) > 0 &&
                  EVP_PKEY_generate(context, &key) > 0);
      EVP_PKEY_CTX_free(context);
      return Key(key);
    }
    if (type == "EC") return Key(EVP_PKEY_Q_keygen(library.get(), nullptr, "EC", "P-256"));
    return Key(EVP_PKEY_Q_keygen(library.get(), nullptr, GetParam()));
  }
  Key read(const std::string& pem, OSSL_LIB_CTX* into) {
    BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    Key key(PEM_read_bio_PrivateKey_ex(bio, nullptr, nullptr, nullptr, into, nullptr));
    BIO_free(bio);
    return key;
  }

  Library library = make_offload_library();
};

TEST_P(KeysOfIt, AreWrittenAndReadInBothDirections) {
  const Key made = generate();
  ASSERT_NE(made, nullptr);
  const std::string pem = private_pem(made.get());
  const Key there = read(pem, nullptr);
  ASSERT_NE(there, nullptr);
  const Key back = read(private_pem(there.get()), library.get());
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(EVP_PKEY_eq(made.get(), there.get()), 1);
  EXPECT_EQ(EVP_PKEY_eq(made.get(), back.get()), 1);
  EXPECT_EQ(private_pem(back.get()), pem);
}

TEST_P(KeysOfIt, AreValid) {
  const Key made = generate();
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_pkey(library.get(), made.get(), nullptr);
  EXPECT_EQ(EVP_PKEY_check(context), 1);
  EXPECT_EQ(EVP_PKEY_public_check(context), 1);
  EVP_PKEY_CTX_free(context);
}

INSTANTIATE_TEST_SUITE_P(Types, KeysOfIt, ::testing::Values("RSA", "RSA-PSS", "EC", "ED25519", "ED448", "X25519", "X448"),
                         [](const auto& each) {
                           std::string name;
                           for (const char* c = each.param; *c; ++c)
                             if (*c != '-') name += *c;
                           return name;
                         });

// The check of a peer's share is put off only where libssl derives with it.
TEST(KeyShares, AreCheckedAtOnceOutsideOfAMachine) {
  const Library library = make_offload_library();
  Key key(EVP_PKEY_Q_keygen(library.get(), nullptr, "X25519"));
  Key peer(EVP_PKEY_new());
  const unsigned char zeros[32] = {};
  ASSERT_EQ(EVP_PKEY_copy_parameters(peer.get(), key.get()), 1);
  ASSERT_EQ(EVP_PKEY_set1_encoded_public_key(peer.get(), zeros, sizeof zeros), 1);
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_pkey(library.get(), key.get(), nullptr);
  unsigned char secret[32];
  std::size_t len = sizeof secret;
  EXPECT_FALSE(EVP_PKEY_derive_init(context) > 0 && EVP_PKEY_derive_set_peer(context, peer.get()) > 0 &&
               EVP_PKEY_derive(context, secret, &len) > 0);
  EVP_PKEY_CTX_free(context);
  ERR_clear_error();
}

}  // namespace
}  // namespace openssl_event::testing
