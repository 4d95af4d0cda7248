// The library context in which everything is interposed: it can what any can, and leaves the others alone.
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/encoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

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

// ---- Key encapsulation: OpenSSL 3.5 and later ----

std::vector<std::string> kem_types() {
  std::vector<std::string> types;
  for (const char* type : {"ML-KEM-512", "ML-KEM-768", "ML-KEM-1024", "X25519MLKEM768", "X448MLKEM1024",
                           "SecP256r1MLKEM768", "SecP384r1MLKEM1024"})
    if (!provider_of(nullptr, type).empty()) types.push_back(type);
  ERR_clear_error();
  return types;
}

std::string public_bytes(EVP_PKEY* key) {
  unsigned char* bytes = nullptr;
  const std::size_t len = EVP_PKEY_get1_encoded_public_key(key, &bytes);
  std::string copy(reinterpret_cast<char*>(bytes), len);
  OPENSSL_free(bytes);
  return copy;
}

struct Encapsulated {
  std::string ciphertext, secret;
};

Encapsulated encapsulate(OSSL_LIB_CTX* library, const std::string& type, const std::string& peer) {
  const Key key(EVP_PKEY_new_raw_public_key_ex(library, type.c_str(), nullptr,
                                               reinterpret_cast<const unsigned char*>(peer.data()), peer.size()));
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_pkey(library, key.get(), nullptr);
  std::size_t ciphertext_len = 0, secret_len = 0;
  EXPECT_GT(EVP_PKEY_encapsulate_init(context, nullptr), 0) << type;
  EXPECT_GT(EVP_PKEY_encapsulate(context, nullptr, &ciphertext_len, nullptr, &secret_len), 0) << type;
  Encapsulated made{std::string(ciphertext_len, 0), std::string(secret_len, 0)};
  EXPECT_GT(EVP_PKEY_encapsulate(context, reinterpret_cast<unsigned char*>(made.ciphertext.data()), &ciphertext_len,
                                 reinterpret_cast<unsigned char*>(made.secret.data()), &secret_len),
            0)
      << type;
  EVP_PKEY_CTX_free(context);
  return made;
}

std::string decapsulate(OSSL_LIB_CTX* library, EVP_PKEY* key, const std::string& ciphertext) {
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_pkey(library, key, nullptr);
  const auto* bytes = reinterpret_cast<const unsigned char*>(ciphertext.data());
  std::size_t len = 0;
  EXPECT_GT(EVP_PKEY_decapsulate_init(context, nullptr), 0);
  EXPECT_GT(EVP_PKEY_decapsulate(context, nullptr, &len, bytes, ciphertext.size()), 0);
  std::string secret(len, 0);
  EXPECT_GT(EVP_PKEY_decapsulate(context, reinterpret_cast<unsigned char*>(secret.data()), &len, bytes, ciphertext.size()),
            0);
  EVP_PKEY_CTX_free(context);
  return secret;
}

TEST(KemKeys, AgreeWithThoseOfTheDefaultContext) {
  const Library library = make_offload_library();
  const std::vector<std::string> types = kem_types();
  EXPECT_EQ(types.size(), OPENSSL_VERSION_PREREQ(3, 5) ? 7u : 0u);
  for (const std::string& type : types) {
    EXPECT_EQ(provider_of(library.get(), type.c_str()), "openssl_event") << type;
    for (const auto& [ours, theirs] : {std::pair(library.get(), static_cast<OSSL_LIB_CTX*>(nullptr)),
                                       std::pair(static_cast<OSSL_LIB_CTX*>(nullptr), library.get())}) {
      const Key key(EVP_PKEY_Q_keygen(ours, nullptr, type.c_str()));
      ASSERT_NE(key, nullptr) << type;
      const Encapsulated made = encapsulate(theirs, type, public_bytes(key.get()));
      EXPECT_EQ(decapsulate(ours, key.get(), made.ciphertext), made.secret) << type;
    }
  }
}

#if OPENSSL_VERSION_PREREQ(3, 5)
std::vector<std::string> groups_of(OSSL_LIB_CTX* library) {
  const Context context(SSL_CTX_new_ex(library, nullptr, TLS_method()));
  STACK_OF(OPENSSL_CSTRING)* names = sk_OPENSSL_CSTRING_new_null();
  EXPECT_EQ(SSL_CTX_get0_implemented_groups(context.get(), 1, names), 1);
  std::vector<std::string> groups;
  for (int i = 0; i < sk_OPENSSL_CSTRING_num(names); ++i) groups.push_back(sk_OPENSSL_CSTRING_value(names, i));
  sk_OPENSSL_CSTRING_free(names);
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  return groups;
}

TEST(OffloadContext, HasAllGroupsOfTheOther) {
  const Library library = make_offload_library();
  EXPECT_EQ(groups_of(library.get()), groups_of(nullptr));
}
#endif

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
