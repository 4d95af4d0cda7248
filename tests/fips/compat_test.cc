// A program under the layer whose openssl.cnf demands FIPS: it stays so, and keys of the FIPS provider sign on workers.
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/provider.h>

#include <cstring>
#include <string>

#include "compat/statistics.h"
#include "tests/compat/peers.h"
#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

std::uint64_t calls() { return compat::statistics().calls; }

// Whether both sides, with new contexts that `configure` takes, get through a handshake.
template <typename Configure>
bool connects(KeyType key, int version, Configure configure) {
  Peers peers(version, key);
  for (SSL_CTX* context : {peers.server_context.get(), peers.client_context.get()})
    if (!configure(context)) return false;
  peers.begin_anew(peers.server_context.get(), peers.client_context.get());
  const bool done = peers.connect();
  ERR_print_errors_fp(stderr);
  ERR_clear_error();
  return done;
}

class FipsProgram : public BothVersions {};
FOR_BOTH_VERSIONS(FipsProgram);

TEST_P(FipsProgram, SignsOnAWorker) {
  for (KeyType type : {KeyType::kRsa, KeyType::kEcP256, KeyType::kEcP384}) {
    const OSSL_PROVIDER* provider = EVP_PKEY_get0_provider(shared_key(type));
    ASSERT_STREQ(OSSL_PROVIDER_get0_name(provider), "fips");
    const auto before = calls();
    EXPECT_TRUE(connects(type, GetParam(), [](SSL_CTX*) { return true; })) << key_type_name(type);
    EXPECT_EQ(calls(), before + 1) << key_type_name(type);
  }
}

TEST_P(FipsProgram, IsRefusedWhatIsNotApproved) {
  const auto only = [this](const char* group) {
    return connects(KeyType::kEcP256, GetParam(), [group](SSL_CTX* c) { return SSL_CTX_set1_groups_list(c, group); });
  };
  EXPECT_TRUE(only("P-256"));
  EXPECT_FALSE(only("X25519"));
  EXPECT_FALSE(only("X448"));
  EXPECT_FALSE(
      connects(KeyType::kEcP256, TLS1_2_VERSION, [](SSL_CTX* c) { return SSL_CTX_set_cipher_list(c, "CHACHA20"); }));
}

TEST(FipsSettings, StayInForce) {
  const Context context(SSL_CTX_new(TLS_method()));
  ASSERT_TRUE(context);
  EXPECT_EQ(EVP_default_properties_is_fips_enabled(nullptr), 1);
  EXPECT_EQ(OSSL_PROVIDER_available(nullptr, "default"), 0);
  EXPECT_EQ(EVP_MD_fetch(nullptr, "MD5", nullptr), nullptr);
  STACK_OF(SSL_CIPHER)* ciphers = SSL_CTX_get_ciphers(context.get());
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i)
    EXPECT_EQ(std::strstr(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i)), "CHACHA20"), nullptr);
  ERR_clear_error();
}

TEST(FipsSettings, RefuseShortRsaKeys) {
  OSSL_LIB_CTX* elsewhere = OSSL_LIB_CTX_new();
  {
    const Key key(EVP_PKEY_Q_keygen(elsewhere, nullptr, "RSA", std::size_t{1024}));
    const Certificate certificate = make_certificate(key.get(), "localhost", elsewhere);
    EXPECT_FALSE(connects(KeyType::kRsa, TLS1_3_VERSION, [&](SSL_CTX* c) {
      SSL_CTX_set_security_level(c, 0);
      X509_STORE_add_cert(SSL_CTX_get_cert_store(c), certificate.get());
      return SSL_CTX_use_certificate(c, certificate.get()) && SSL_CTX_use_PrivateKey(c, key.get());
    }));
  }
  OSSL_LIB_CTX_free(elsewhere);
}

}  // namespace
}  // namespace openssl_event::testing
