// Handshakes with keys that are in a SoftHSM token, and what becomes of them when the token does not do its part.
#include <openssl/err.h>

#include <fstream>
#include <future>
#include <thread>
#include <vector>

#include "engine_workers/engine_workers.h"
#include "tests/engine_pkcs11/hooked_module.h"
#include "tests/engine_pkcs11/pkcs11_fixture.h"

namespace openssl_event::testing {
namespace {

TEST_F(Pkcs11, SignsWithKeysOfEachType) {
  for (KeyType type : kTokenTypes) {
    const Key key = key_by(token->uri(label_of(type)), type);
    for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      Pair pair = pair_with(key.get(), type, version);
      EXPECT_EQ(handshake(pair), "") << key_type_name(type) << version;
    }
  }
}

TEST_F(Pkcs11, SignsWithEachPaddingAndDigest) {
  const Key key = key_by(token->uri(label_of(KeyType::kRsa)), KeyType::kRsa);
  for (const char* algorithm : {"RSA+SHA256", "RSA+SHA384", "RSA+SHA512", "rsa_pss_rsae_sha256", "rsa_pss_rsae_sha384",
                                "rsa_pss_rsae_sha512"}) {
    Pair pair = pair_with(key.get(), KeyType::kRsa, TLS1_2_VERSION);
    ASSERT_EQ(SSL_CTX_set1_sigalgs_list(pair.client_context.get(), algorithm), 1);
    EXPECT_EQ(handshake(pair), "") << algorithm;
  }
}

TEST_F(Pkcs11, DecryptsThePremasterSecret) {
  const Key key = key_by(token->uri(label_of(KeyType::kRsa)), KeyType::kRsa);
  Pair pair = pair_with(key.get(), KeyType::kRsa, TLS1_2_VERSION, "AES128-GCM-SHA256");
  EXPECT_EQ(handshake(pair), "");
}

// As plain libssl: the handshake goes on with a random secret until the client's Finished.
TEST_F(Pkcs11, AnswersAPremasterSecretThatIsNotGoodLikeAnyOther) {
  const Key key = key_by(token->uri(label_of(KeyType::kRsa)), KeyType::kRsa);
  Pair pair = pair_with(key.get(), KeyType::kRsa, TLS1_2_VERSION, "AES128-GCM-SHA256");
  auto client = pair.machine_client();
  auto server = pair.machine_server();
  client->work();
  deliver(*server, client->take_output());
  deliver(*client, server->take_output());
  std::string flight = client->take_output();
  const std::size_t at = flight.find(std::string("\x10\x00\x01\x02\x01\x00", 6));
  ASSERT_NE(at, std::string::npos);
  flight[at + 6 + 200] ^= 1;
  deliver(*server, flight);
  ASSERT_TRUE(server->failed());
  EXPECT_EQ(server->failure()->alert_sent, SSL_AD_BAD_RECORD_MAC);
}

TEST_F(Pkcs11, ReadsThePinFromAFile) {
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/pin";
  std::ofstream(path) << kPin << "\n";
  const Key key = key_by(token->uri("keyEcP256", "") + "&pin-source=file:" + path, KeyType::kEcP256);
  EXPECT_EQ(handshake(key.get()), "");
}

// SoftHSM would lock a PIN that is tried too often; a real token after three times.
TEST_F(Pkcs11, TriesAWrongPinOnce) {
  const Key wrong = key_by(token->uri("keyEcP256", "4321"), KeyType::kEcP256);
  expect_failure(handshake(wrong.get()), "PIN");
  for (int i = 0; i < 5; ++i) expect_failure(handshake(wrong.get()), "as before");
  const Key right = key_by(token->uri("keyEcP256"), KeyType::kEcP256);
  EXPECT_EQ(handshake(right.get()), "");
}

TEST_F(Pkcs11, SaysThatThereIsNoSuchKey) {
  const Key key = key_by(token->uri("nobody"), KeyType::kEcP256);
  expect_failure(handshake(key.get()), "finding the key");
}

TEST_F(Pkcs11, SaysThatThereIsNoSuchModule) {
  const Key key = key_by("pkcs11:token=web?module-path=/nonexistent.so", KeyType::kEcP256);
  expect_failure(handshake(key.get()), "loading the module");
}

TEST_F(Pkcs11, RecoversFromALostSessionAtOnce) {
  const Key key = key_by(token->uri("keyEcP256"), KeyType::kEcP256);
  EXPECT_EQ(handshake(key.get()), "");
  token->close_all_sessions();
  EXPECT_EQ(handshake(key.get()), "");
}

TEST_F(Pkcs11, RecoversWhenTheTokenIsBack) {
  const Key key = key_by(token->uri("keyEcP256"), KeyType::kEcP256);
  EXPECT_EQ(handshake(key.get()), "");
  token->remove();
  token->close_all_sessions();
  EXPECT_NE(handshake(key.get()), "");
  Pair other(TLS1_3_VERSION, KeyType::kRsa, true);  // a key in memory goes on
  EXPECT_EQ(handshake(other), "");
  token->create();
  import_keys();
  EXPECT_EQ(handshake(key.get()), "");
}

TEST_F(Pkcs11, ServesManyThreads) {
  const Key key = key_by(token->uri("keyEcP256"), KeyType::kEcP256);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int rounds = 0; rounds < 5; ++rounds) EXPECT_EQ(handshake(key.get()), "");
    });
  for (std::thread& thread : threads) thread.join();
}

// Behind a module that does not sign before it is told to: its handshake waits, on a worker, and nobody else does.
TEST_F(Pkcs11, SlowTokenNeverDelaysTheNetworkThread) {
  HookedModule module;
  std::promise<void> signing, allowed;
  module.before = [&](std::string_view function) {
    if (function != "C_Sign") return;
    signing.set_value();
    allowed.get_future().wait();
  };
  const Key key = key_by(token->uri("keyEcP256", kPin, module.path()), KeyType::kEcP256);
  Pair pair = pair_with(key.get(), KeyType::kEcP256, TLS1_3_VERSION);
  openssl_workers_t* workers = openssl_newWorkers(nullptr);
  openssl_completions_t* completions = openssl_newCompletions();
  auto client = pair.plain_client();
  auto server = pair.machine_server();
  server->on_call = [&](OPENSSL_EVENT* e) { ASSERT_EQ(openssl_submitCall(workers, e, completions), 1); };
  carry(*client, *server);
  signing.get_future().wait();
  Pair others(TLS1_3_VERSION, KeyType::kEcP256, true);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(handshake(others), "");
  EXPECT_EQ(openssl_collectCompletion(completions), nullptr);
  EXPECT_FALSE(client->established());
  allowed.set_value();
  openssl_drainWorkers(workers);
  openssl_returnEvent(openssl_collectCompletion(completions));
  carry(*client, *server);
  EXPECT_TRUE(client->established());
  server.reset();
  openssl_freeWorkers(workers);
  openssl_freeCompletions(completions);
}

TEST_F(Pkcs11, RefusesWhatIsNoUriAndOtherKeys) {
  for (const char* uri : {"", "file:key.pem", "pkcs11:token=%zz", "pkcs11:unknown-attribute=1"})
    EXPECT_EQ(openssl_pkcs11Key(uri, shared_key(KeyType::kRsa)), nullptr) << uri;
  EXPECT_EQ(openssl_pkcs11Key(nullptr, shared_key(KeyType::kRsa)), nullptr);
  EXPECT_EQ(openssl_pkcs11Key("pkcs11:token=web", nullptr), nullptr);
  const Key exchange(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"));
  EXPECT_EQ(openssl_pkcs11Key("pkcs11:token=web", exchange.get()), nullptr);
  ERR_clear_error();
}

}  // namespace
}  // namespace openssl_event::testing
