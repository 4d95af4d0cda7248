// An offload context of a home where FIPS is demanded: it refuses what is refused there, and the FIPS provider does the
// rest. With OPENSSL_CONF the home is the default library context.
#include <openssl/err.h>
#include <openssl/provider.h>

#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "openssl_event/openssl_event.h"
#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

const char* configuration() { return std::getenv("FIPS_CONFIGURATION"); }

class Fips : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!std::getenv("OPENSSL_CONF")) {
      home = OSSL_LIB_CTX_new();
      ASSERT_EQ(OSSL_LIB_CTX_load_config(home, configuration()), 1);
    }
    offload = openssl_newOffloadContext(home, nullptr, configuration());
    ASSERT_NE(offload, nullptr);
    elsewhere = OSSL_LIB_CTX_new();
  }
  static void TearDownTestSuite() {
    openssl_freeOffloadContext(offload);
    OSSL_LIB_CTX_free(home);
    OSSL_LIB_CTX_free(elsewhere);
  }
  ~Fips() override { ERR_clear_error(); }

  static inline OSSL_LIB_CTX* home = nullptr;
  static inline OSSL_LIB_CTX* offload = nullptr;
  static inline OSSL_LIB_CTX* elsewhere = nullptr;  // without FIPS, to make keys of all kinds
};

struct Credentials {
  Credentials(Key its_key, OSSL_LIB_CTX* library)
      : key(std::move(its_key)), certificate(make_certificate(key.get(), "localhost", library)) {}
  Key key;
  Certificate certificate;
};

struct Use {
  int version;
  const char* groups;   // nullptr: the default
  const char* ciphers;  // likewise
};

// Both ends of a connection in a library context.
class Connection {
 public:
  Connection(OSSL_LIB_CTX* library, const Credentials& credentials, const Use& use)
      : server_context(SSL_CTX_new_ex(library, nullptr, TLS_server_method())),
        client_context(SSL_CTX_new_ex(library, nullptr, TLS_client_method())) {
    SSL_CTX_set_security_level(server_context.get(), 0);  // so that only FIPS refuses
    SSL_CTX_set_security_level(client_context.get(), 0);
    configured = SSL_CTX_use_certificate(server_context.get(), credentials.certificate.get()) == 1 &&
                 SSL_CTX_use_PrivateKey(server_context.get(), credentials.key.get()) == 1 &&
                 X509_STORE_add_cert(SSL_CTX_get_cert_store(client_context.get()), credentials.certificate.get()) == 1;
    SSL_CTX_set_verify(client_context.get(), SSL_VERIFY_PEER, nullptr);
    for (SSL_CTX* context : {server_context.get(), client_context.get()}) {
      configured = configured && SSL_CTX_set_min_proto_version(context, use.version) &&
                   SSL_CTX_set_max_proto_version(context, use.version) &&
                   (!use.groups || SSL_CTX_set1_groups_list(context, use.groups)) &&
                   (!use.ciphers || SSL_CTX_set_cipher_list(context, use.ciphers));
    }
    if (!configured) return;
    client = std::make_unique<MachineEnd>(make_ssl(client_context.get(), Role::kClient));
    server = std::make_unique<MachineEnd>(make_ssl(server_context.get(), Role::kServer));
  }

  const char* outcome() {
    if (!configured) return "refused";
    carry(*client, *server);
    return client->established() && server->established() ? "established" : "failed";
  }

  Context server_context, client_context;
  bool configured;
  std::unique_ptr<MachineEnd> client, server;
};

TEST_F(Fips, EachGroupIsAsInTheHome) {
  const Credentials credentials(make_key(KeyType::kEcP256, elsewhere), elsewhere);
  for (const char* groups : {"X25519", "X448", "P-256", "P-384", "P-521", "ffdhe2048", "ffdhe3072", "MLKEM768",
                             "X25519MLKEM768", "SecP256r1MLKEM768", "brainpoolP256r1tls13"}) {
    const Use use{TLS1_3_VERSION, groups, nullptr};
    EXPECT_STREQ(Connection(offload, credentials, use).outcome(), Connection(home, credentials, use).outcome())
        << groups;
  }
  EXPECT_STREQ(Connection(offload, credentials, {TLS1_3_VERSION, "X25519", nullptr}).outcome(), "refused");
  EXPECT_STREQ(Connection(offload, credentials, {TLS1_3_VERSION, "P-256", nullptr}).outcome(), "established");
}

TEST_F(Fips, EachKeyIsAsInTheHome) {
  for (KeyType type : {KeyType::kRsa, KeyType::kRsaPss, KeyType::kEcP256, KeyType::kEcP384, KeyType::kEcP521,
                       KeyType::kEd25519, KeyType::kEd448}) {
    const Credentials credentials(make_key(type, elsewhere), elsewhere);
    for (const Use& use : {Use{TLS1_3_VERSION, nullptr, nullptr}, Use{TLS1_2_VERSION, nullptr, nullptr},
                           Use{TLS1_2_VERSION, nullptr, "kRSA"}, Use{TLS1_2_VERSION, nullptr, "DHE"},
                           Use{TLS1_2_VERSION, nullptr, "CHACHA20"}})
      EXPECT_STREQ(Connection(offload, credentials, use).outcome(), Connection(home, credentials, use).outcome())
          << key_type_name(type) << use.version << (use.ciphers ? use.ciphers : "");
  }
}

TEST_F(Fips, ShortRsaKeysAreRefused) {
  const Credentials credentials(Key(EVP_PKEY_Q_keygen(elsewhere, nullptr, "RSA", std::size_t{1024})), elsewhere);
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION})
    for (OSSL_LIB_CTX* library : {home, offload})
      EXPECT_STRNE(Connection(library, credentials, {version, nullptr, nullptr}).outcome(), "established");
}

std::vector<std::string> cipher_names(OSSL_LIB_CTX* library) {
  const Context context(SSL_CTX_new_ex(library, nullptr, TLS_method()));
  STACK_OF(SSL_CIPHER)* ciphers = SSL_CTX_get_ciphers(context.get());
  std::vector<std::string> names;
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i)
    names.push_back(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i)));
  return names;
}

TEST_F(Fips, CiphersAreTheHomes) {
  EXPECT_EQ(cipher_names(offload), cipher_names(home));
  EXPECT_FALSE(cipher_names(offload).empty());
}

TEST_F(Fips, AlgorithmsAreTheHomes) {
  for (const char* name : {"MD5", "SHA256", "SHA3-256", "SM3"}) {
    EVP_MD* there = EVP_MD_fetch(home, name, nullptr);
    EVP_MD* here = EVP_MD_fetch(offload, name, nullptr);
    EXPECT_EQ(here != nullptr, there != nullptr) << name;
    EVP_MD_free(there);
    EVP_MD_free(here);
  }
  for (const char* name : {"RSA", "EC", "X25519", "X448", "ED25519", "ED448", "DH", "ML-KEM-768", "X25519MLKEM768"}) {
    EVP_KEYMGMT* there = EVP_KEYMGMT_fetch(home, name, nullptr);
    EVP_KEYMGMT* here = EVP_KEYMGMT_fetch(offload, name, nullptr);
    EXPECT_EQ(here != nullptr, there != nullptr) << name;
    EVP_KEYMGMT_free(there);
    EVP_KEYMGMT_free(here);
  }
}

std::string provider_of(const EVP_PKEY* key) {
  const OSSL_PROVIDER* provider = EVP_PKEY_get0_provider(key);
  return provider ? OSSL_PROVIDER_get0_name(provider) : "none";
}

// Those of the operations that show their key: a KEYGEN has none yet.
TEST_F(Fips, ProviderExecutesEachOperation) {
  const Credentials credentials(make_key(KeyType::kEcP256, elsewhere), elsewhere);
  Connection connection(offload, credentials, {TLS1_3_VERSION, "P-256", nullptr});
  ASSERT_TRUE(connection.configured);
  std::multiset<std::string> seen;
  for (MachineEnd* end : {connection.client.get(), connection.server.get()})
    end->on_call = [&, end](OPENSSL_EVENT* e) {
      std::string provider = "fips";
      if (e->e.optype == OPENSSL_OPERATION_SIGN) provider = provider_of(e->e.u.s.key);
      if (e->e.optype == OPENSSL_OPERATION_VERIFY) provider = provider_of(e->e.u.v.key);
      if (e->e.optype == OPENSSL_OPERATION_DERIVE) provider = provider_of(e->e.u.x.key);
      seen.insert(std::string(openssl_operationName(e->e.optype)) + " " + provider);
      e->e.engine->call(e);
      openssl_putEvent(end->tls(), e);
    };
  EXPECT_STREQ(connection.outcome(), "established");
  EXPECT_EQ(seen, (std::multiset<std::string>{"KEYGEN fips", "KEYGEN fips", "DERIVE fips", "DERIVE fips", "SIGN fips",
                                              "VERIFY fips"}));
}

// Its settings are in the configuration: without it there would be none, or others.
TEST_F(Fips, ContextIsNotMadeWithoutItsConfiguration) {
  EXPECT_EQ(openssl_newOffloadContext(home, nullptr, nullptr), nullptr);
}

}  // namespace
}  // namespace openssl_event::testing
