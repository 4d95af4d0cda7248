// Keys of an ENGINE, of before providers: libp11's, in a SoftHSM token. They stay what they are, and their handshakes
// work.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <gtest/gtest.h>
#include <openssl/engine.h>
#include <openssl/err.h>

#include <cstdlib>
#include <string>

#include "compat/statistics.h"
#include "tests/compat/peers.h"
#include "tests/engine_pkcs11/soft_token.h"
#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

constexpr KeyType kTypes[] = {KeyType::kRsa, KeyType::kEcP256};

ENGINE* load_libp11() {
  ENGINE_load_dynamic();
  ENGINE* engine = ENGINE_by_id("dynamic");
  const bool loaded = engine && ENGINE_ctrl_cmd_string(engine, "SO_PATH", std::getenv("LIBP11"), 0) &&
                      ENGINE_ctrl_cmd_string(engine, "LOAD", nullptr, 0) &&
                      ENGINE_ctrl_cmd_string(engine, "MODULE_PATH", kModule, 0) && ENGINE_init(engine);
  if (!loaded) ERR_print_errors_fp(stderr);
  EXPECT_TRUE(loaded);
  return engine;
}

class EngineKey : public BothVersions {
 protected:
  static void SetUpTestSuite() {
    token = new SoftToken("web");
    for (KeyType type : kTypes) token->import(shared_key(type), key_type_name(type));
    engine = load_libp11();
  }
  static void TearDownTestSuite() {
    ENGINE_finish(engine);
    ENGINE_free(engine);
    delete token;
  }
  static Key load(KeyType type) {
    const std::string uri = std::string("pkcs11:token=web;object=") + key_type_name(type) + "?pin-value=" + kPin;
    return Key(ENGINE_load_private_key(engine, uri.c_str(), nullptr, nullptr));
  }
  static std::uint64_t calls() { return compat::statistics().calls; }
  static bool offloads_all() { return std::string(std::getenv("OPENSSL_EVENT_OFFLOAD")) == "all"; }

  static inline SoftToken* token = nullptr;
  static inline ENGINE* engine = nullptr;
};
FOR_BOTH_VERSIONS(EngineKey);

TEST_P(EngineKey, SignsWhereTheProgramIs) {
  for (KeyType type : kTypes) {
    const Key key = load(type);
    ASSERT_NE(key, nullptr) << key_type_name(type);
    Peers peers(GetParam(), type);
    ASSERT_EQ(SSL_CTX_use_PrivateKey(peers.server_context.get(), key.get()), 1);
    EXPECT_EQ(SSL_CTX_get0_privatekey(peers.server_context.get()), key.get());
    peers.begin_anew(peers.server_context.get(), peers.client_context.get());
    EXPECT_EQ(SSL_get_privatekey(peers.server.get()), key.get());
    const auto before = calls();
    EXPECT_TRUE(peers.connect()) << key_type_name(type);
    // With `all` the shares and secrets of both sides, and what the client verifies, are calls; the signature is none.
    EXPECT_EQ(calls() - before, offloads_all() ? 5u : 0u) << key_type_name(type);
  }
}

}  // namespace
}  // namespace openssl_event::testing
