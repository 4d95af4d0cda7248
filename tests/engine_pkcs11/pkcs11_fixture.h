// A token with a key of each type, and handshakes with them.
#ifndef TESTS_ENGINE_PKCS11_PKCS11_FIXTURE_H
#define TESTS_ENGINE_PKCS11_PKCS11_FIXTURE_H

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "engine_pkcs11/engine_pkcs11.h"
#include "tests/engine_pkcs11/soft_token.h"
#include "tests/support/pair.h"

namespace openssl_event::testing {

inline constexpr KeyType kTokenTypes[] = {KeyType::kRsa,    KeyType::kRsaPss,  KeyType::kEcP256, KeyType::kEcP384,
                                          KeyType::kEcP521, KeyType::kEd25519, KeyType::kEd448};

class Pkcs11 : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    token = new SoftToken("web");
    import_keys();
  }
  static void TearDownTestSuite() {
    delete token;
    token = nullptr;
  }
  static void import_keys() {
    for (KeyType type : kTokenTypes) token->import(shared_key(type), label_of(type));
  }
  static std::string label_of(KeyType type) { return std::string("key") + key_type_name(type); }

  static Key key_by(const std::string& uri, KeyType type) {
    return Key(openssl_pkcs11Key(uri.c_str(), X509_get0_pubkey(shared_certificate(type))));
  }
  static Pair pair_with(EVP_PKEY* key, KeyType type, int version, const char* cipher = nullptr) {
    Pair pair(version, type);
    EXPECT_NE(key, nullptr);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(pair.server_context.get(), key), 1);
    EXPECT_TRUE(!cipher || SSL_CTX_set_cipher_list(pair.client_context.get(), cipher));
    return pair;
  }
  // "": it succeeded. Else what the server's status says.
  static std::string handshake(Pair& pair, const std::function<void(OPENSSL_EVENT*)>& execute = {}) {
    auto client = pair.plain_client();
    auto server = pair.machine_server();
    if (execute)
      server->on_call = [&](OPENSSL_EVENT* e) {
        execute(e);
        openssl_putEvent(server->tls(), e);
      };
    carry(*client, *server);
    EXPECT_EQ(server->established(), client->established());
    if (client->established()) return "";
    EXPECT_EQ(server->reason(), OPENSSL_REASON_CALL_FAILED);
    return server->failure() ? server->failure()->text : "no status";
  }
  static std::string handshake(EVP_PKEY* key, KeyType type = KeyType::kEcP256) {
    Pair pair = pair_with(key, type, TLS1_3_VERSION);
    return handshake(pair);
  }
  static void expect_failure(const std::string& text, const char* part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  }

  static inline SoftToken* token = nullptr;
};

}  // namespace openssl_event::testing

#endif
