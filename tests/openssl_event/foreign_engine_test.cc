// An engine that is nothing like OpenSSL's: it keeps private halves to itself, and is told everything by the operands.
#include <openssl/err.h>
#include <openssl/rsa.h>

#include <atomic>
#include <cstring>
#include <deque>
#include <thread>

#include "tests/openssl_event/interposed.h"

namespace openssl_event::testing {
namespace {

// Uses nothing of an event but its public operands. Shares it has made are its own: their number is in `shares`.
class ForeignEngine {
 public:
  OPENSSL_ENGINE engine = {sizeof(OPENSSL_ENGINE), "foreign", call, this, nullptr};
  std::atomic<int> shares{0};
  bool breaks_shares = false;  // gives public keys that are none

  static int call(OPENSSL_EVENT* e) {
    return static_cast<ForeignEngine*>(e->e.engine->data)->execute(e) ? openssl_completeCall(e)
                                                                      : (openssl_failCall(e, "cannot"), 0);
  }

 private:
  struct Share {
    EVP_PKEY* key;
    std::atomic<int>* shares;
  };

  bool execute(OPENSSL_EVENT* e) {
    switch (e->e.optype) {
      case OPENSSL_OPERATION_SIGN: return sign(e);
      case OPENSSL_OPERATION_DECRYPT: return decrypt(e->e.u.d);
      case OPENSSL_OPERATION_KEYGEN: return generate(e->e.u.k);
      case OPENSSL_OPERATION_DERIVE: return derive(e->e.u.x);
      case OPENSSL_OPERATION_VERIFY: return verify(e);
      case OPENSSL_OPERATION_ENCAPSULATE: return encapsulate(e->e.u.n);
      case OPENSSL_OPERATION_DECAPSULATE: return decapsulate(e->e.u.p);
    }
    return false;
  }

  static EVP_PKEY* key_of(EVP_PKEY* key, void* handle) { return handle ? static_cast<EVP_PKEY*>(handle) : key; }

  template <typename Operands>
  static bool set(EVP_PKEY_CTX* context, const Operands& operands) {
    if (operands.padding && EVP_PKEY_CTX_set_rsa_padding(context, operands.padding) <= 0) return false;
    if (operands.padding == RSA_PKCS1_PSS_PADDING &&
        (EVP_PKEY_CTX_set_rsa_pss_saltlen(context, operands.salt_length) <= 0 ||
         EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, operands.mgf1_digest, nullptr) <= 0))
      return false;
    return EVP_PKEY_CTX_set_signature_md(context, EVP_get_digestbyname(operands.digest)) > 0;
  }

  static bool sign(OPENSSL_EVENT* e) {
    OPENSSL_SIGN& s = e->e.u.s;
    EVP_PKEY* key = key_of(s.key, s.handle);
    s.signature_len = s.signature_size;
    if (!s.digest) {
      EVP_MD_CTX* context = EVP_MD_CTX_new();
      const bool done = EVP_DigestSignInit(context, nullptr, nullptr, nullptr, key) > 0 &&
                        EVP_DigestSign(context, s.signature, &s.signature_len, s.tbs, s.tbs_len) > 0;
      EVP_MD_CTX_free(context);
      return done;
    }
    unsigned char digest[EVP_MAX_MD_SIZE];
    std::size_t len = 0;
    if (!openssl_hashOperand(e, digest, &len)) return false;
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(key, nullptr);
    const bool done = EVP_PKEY_sign_init(context) > 0 && set(context, s) &&
                      EVP_PKEY_sign(context, s.signature, &s.signature_len, digest, len) > 0;
    EVP_PKEY_CTX_free(context);
    return done;
  }

  static bool verify(OPENSSL_EVENT* e) {
    OPENSSL_VERIFY& v = e->e.u.v;
    if (!v.digest) {
      EVP_MD_CTX* context = EVP_MD_CTX_new();
      v.valid = EVP_DigestVerifyInit(context, nullptr, nullptr, nullptr, v.key) > 0 &&
                EVP_DigestVerify(context, v.signature, v.signature_len, v.tbs, v.tbs_len) == 1;
      EVP_MD_CTX_free(context);
      return true;
    }
    unsigned char digest[EVP_MAX_MD_SIZE];
    std::size_t len = 0;
    if (!openssl_hashOperand(e, digest, &len)) return false;
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(v.key, nullptr);
    v.valid = EVP_PKEY_verify_init(context) > 0 && set(context, v) &&
              EVP_PKEY_verify(context, v.signature, v.signature_len, digest, len) == 1;
    EVP_PKEY_CTX_free(context);
    return true;
  }

  static bool decrypt(OPENSSL_DECRYPT& d) {
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(key_of(d.key, d.handle), nullptr);
    d.message_len = d.message_size;
    const bool done = EVP_PKEY_decrypt_init(context) > 0 && EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) > 0 &&
                      EVP_PKEY_decrypt(context, d.message, &d.message_len, d.ciphertext, d.ciphertext_len) > 0;
    EVP_PKEY_CTX_free(context);
    if (!done) d.message_len = 0;
    return true;
  }

  static EVP_PKEY* make_key(const char* type, const char* group, EVP_PKEY* parameters, bool pair) {
    EVP_PKEY_CTX* context = parameters ? EVP_PKEY_CTX_new(parameters, nullptr)
                                       : EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr);
    EVP_PKEY* key = nullptr;
    (pair ? EVP_PKEY_keygen_init : EVP_PKEY_paramgen_init)(context);
    if (!parameters && group) EVP_PKEY_CTX_set_group_name(context, group);
    EVP_PKEY_generate(context, &key);
    EVP_PKEY_CTX_free(context);
    return key;
  }

  bool generate(OPENSSL_KEYGEN& k) {
    auto* share = new Share{make_key(k.type, k.group, k.parameters, true), &shares};
    ++shares;
    unsigned char* bytes = nullptr;
    k.public_key_len = EVP_PKEY_get1_encoded_public_key(share->key, &bytes);
    std::memcpy(k.public_key, bytes, k.public_key_len);
    if (breaks_shares) k.public_key[k.public_key_len - 1] ^= 1;
    OPENSSL_free(bytes);
    k.handle = share;
    k.free_handle = [](void* handle) {
      auto* ended = static_cast<Share*>(handle);
      EVP_PKEY_free(ended->key);
      --*ended->shares;
      delete ended;
    };
    return true;
  }

  static bool encapsulate(OPENSSL_ENCAPSULATE& n) {
    EVP_PKEY* peer = EVP_PKEY_new_raw_public_key_ex(nullptr, n.type, nullptr, n.peer, n.peer_len);
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(peer, nullptr);
    n.ciphertext_len = n.ciphertext_size;
    n.secret_len = n.secret_size;
    const bool done = EVP_PKEY_encapsulate_init(context, nullptr) > 0 &&
                      EVP_PKEY_encapsulate(context, n.ciphertext, &n.ciphertext_len, n.secret, &n.secret_len) > 0;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(peer);
    return done;
  }

  static bool decapsulate(OPENSSL_DECAPSULATE& p) {
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(static_cast<Share*>(p.handle)->key, nullptr);
    p.secret_len = p.secret_size;
    const bool done = EVP_PKEY_decapsulate_init(context, nullptr) > 0 &&
                      EVP_PKEY_decapsulate(context, p.secret, &p.secret_len, p.ciphertext, p.ciphertext_len) > 0;
    EVP_PKEY_CTX_free(context);
    return done;
  }

  static bool derive(OPENSSL_DERIVE& x) {
    EVP_PKEY* own = static_cast<Share*>(x.handle)->key;
    EVP_PKEY* peer = EVP_PKEY_new();
    if (EVP_PKEY_copy_parameters(peer, own) <= 0 || EVP_PKEY_set1_encoded_public_key(peer, x.peer, x.peer_len) <= 0) {
      EVP_PKEY_free(peer);
      return false;
    }
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(own, nullptr);
    x.secret_len = x.secret_size;
    bool done = EVP_PKEY_derive_init(context) > 0;
    if (EVP_PKEY_is_a(own, "DH")) EVP_PKEY_CTX_set_dh_pad(context, 1);
    done = done && EVP_PKEY_derive_set_peer(context, peer) > 0 && EVP_PKEY_derive(context, x.secret, &x.secret_len) > 0;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(peer);
    return done;
  }
};

class ForeignEngineTest : public ::testing::TestWithParam<Exchange> {
 protected:
  ForeignEngineTest() : library(make_offload_library()), interposed(GetParam(), library.get()) {
    interposed.make_ends();
    openssl_setEngine(interposed.server->tls(), &foreign.engine);
    openssl_setEngine(interposed.client->tls(), &foreign.engine);
  }
  void expect_connected() {
    interposed.client->send("ping");
    carry(*interposed.client, *interposed.server);
    EXPECT_EQ(interposed.server->received(), "ping")
        << (interposed.server->failure() ? interposed.server->failure()->text : "") << " / "
        << (interposed.client->failure() ? interposed.client->failure()->text : "");
  }

  Library library;
  ForeignEngine foreign;
  Interposed interposed;
};

TEST_P(ForeignEngineTest, DoesEverythingByTheOperandsAlone) {
  expect_connected();
  interposed.server.reset();
  interposed.client.reset();
  EXPECT_EQ(foreign.shares, 0);
}

TEST_P(ForeignEngineTest, EndsTheHandleOfAShareThatComesTooLate) {
  OPENSSL_EVENT* held = nullptr;
  MachineEnd& server = *interposed.server;
  server.on_call = [&](OPENSSL_EVENT* e) {
    if (e->e.optype == OPENSSL_OPERATION_KEYGEN && !held) {
      held = e;
      return;
    }
    e->e.engine->call(e);
    openssl_putEvent(server.tls(), e);
  };
  carry(*interposed.client, server);
  if (!held) return expect_connected();  // RSA key exchange has no share
  server.free_machine();
  held->e.engine->call(held);
  openssl_returnEvent(held);
  interposed.client.reset();
  EXPECT_EQ(foreign.shares, 0);
}

INSTANTIATE_TEST_SUITE_P(Exchanges, ForeignEngineTest, ::testing::ValuesIn(all_exchanges()), exchange_name);

TEST(ForeignEngineShares, ThatAreNoPointsEndTheHandshake) {
  const Library library = make_offload_library();
  ForeignEngine foreign;
  foreign.breaks_shares = true;
  Interposed interposed(kExchanges[2], library.get());  // P-256
  interposed.make_ends();
  openssl_setEngine(interposed.server->tls(), &foreign.engine);
  carry(*interposed.client, *interposed.server);
  EXPECT_EQ(interposed.server->reason(), OPENSSL_REASON_CALL_FAILED);
  EXPECT_NE(interposed.server->failure()->text.find("point is not on curve"), std::string::npos)
      << interposed.server->failure()->text;
}

// Keys that only an engine has, in the default library context.
class EngineKey : public ::testing::TestWithParam<KeyType> {
 protected:
  Key make() {
    EVP_PKEY_up_ref(shared_key(GetParam()));
    return Key(openssl_engineKey(public_half().get(), &foreign.engine, shared_key(GetParam()), free_handle));
  }
  static void free_handle(void* handle) { EVP_PKEY_free(static_cast<EVP_PKEY*>(handle)); }
  Key public_half() {
    unsigned char* der = nullptr;
    const int len = i2d_PUBKEY(shared_key(GetParam()), &der);
    const unsigned char* at = der;
    Key key(d2i_PUBKEY(nullptr, &at, len));
    OPENSSL_free(der);
    return key;
  }
  Pair make_pair(int version) {
    Pair pair(version, GetParam());
    const Key key = make();
    EXPECT_EQ(SSL_CTX_use_PrivateKey(pair.server_context.get(), key.get()), 1);
    EXPECT_EQ(SSL_CTX_check_private_key(pair.server_context.get()), 1);
    return pair;
  }

  ForeignEngine foreign;
};

TEST_P(EngineKey, SignsInAHandshake) {
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Pair pair = make_pair(version);
    auto client = pair.plain_client();
    auto server = pair.machine_server();
    openssl_setOperations(server->tls(), OPENSSL_OPERATIONS_NONE);  // nobody else could do it
    carry(*client, *server);
    EXPECT_TRUE(client->established()) << (server->failure() ? server->failure()->text : "");
    EXPECT_EQ(server->calls_seen, 1);
  }
}

TEST_P(EngineKey, WorksWithoutAMachine) {
  Pair pair = make_pair(TLS1_3_VERSION);
  auto client = pair.plain_client();
  auto server = pair.plain_server();
  carry(*client, *server);
  EXPECT_TRUE(client->established());
}

TEST_P(EngineKey, CannotBeDeclined) {
  Pair pair = make_pair(TLS1_3_VERSION);
  auto client = pair.plain_client();
  auto server = pair.machine_server();
  server->on_call = [&](OPENSSL_EVENT* e) {
    openssl_decline(e);
    openssl_putEvent(server->tls(), e);
  };
  carry(*client, *server);
  EXPECT_TRUE(server->failed());
  EXPECT_TRUE(client->failed());
}

INSTANTIATE_TEST_SUITE_P(Types, EngineKey,
                         ::testing::Values(KeyType::kRsa, KeyType::kRsaPss, KeyType::kEcP256, KeyType::kEcP521,
                                           KeyType::kEd25519, KeyType::kEd448),
                         [](const auto& each) { return key_type_name(each.param); });

TEST(EngineKeyMaking, EndsTheHandleWhenItFails) {
  ForeignEngine foreign;
  int ended = 0;
  const auto count = [](void* handle) { ++*static_cast<int*>(handle); };
  EXPECT_EQ(openssl_engineKey(nullptr, &foreign.engine, &ended, count), nullptr);
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(openssl_engineKey(shared_key(KeyType::kRsa), nullptr, &ended, count), nullptr);
  EXPECT_EQ(ended, 2);
  EVP_PKEY_free(openssl_engineKey(shared_key(KeyType::kRsa), &foreign.engine, &ended, count));
  EXPECT_EQ(ended, 3);
  ERR_clear_error();
}

// `start`: the engine has no thread to wait in; its calls end when it says so.
struct StartingEngine {
  OPENSSL_ENGINE engine = {sizeof(OPENSSL_ENGINE), "starting", nullptr, this, start};
  std::deque<std::pair<OPENSSL_EVENT*, openssl_completions_t*>> started;
  bool refuses = false;

  static int start(OPENSSL_EVENT* e, openssl_completions_t* completions) {
    auto* self = static_cast<StartingEngine*>(e->e.engine->data);
    if (self->refuses) return 0;
    self->started.push_back({e, completions});
    return 1;
  }
  void finish_one() {
    const auto [call, completions] = started.front();
    started.pop_front();
    std::thread([call = call, completions = completions] {
      openssl_defaultEngine()->call(call);
      openssl_postCompletion(completions, call);
    }).join();
  }
};

TEST(StartingEngineTest, CompletesCallsLaterAndFromAnotherThread) {
  StartingEngine starting;
  openssl_completions_t* completions = openssl_newCompletions();
  Pair pair(TLS1_3_VERSION, KeyType::kEcP256, true);
  auto client = pair.plain_client();
  auto server = pair.machine_server();
  openssl_setEngine(server->tls(), &starting.engine);
  server->on_call = [&](OPENSSL_EVENT* e) { ASSERT_EQ(openssl_startCall(e, completions), 1); };
  carry(*client, *server);
  ASSERT_EQ(starting.started.size(), 1u);
  EXPECT_EQ(openssl_collectCompletion(completions), nullptr);
  starting.finish_one();
  OPENSSL_EVENT* done = openssl_collectCompletion(completions);
  ASSERT_NE(done, nullptr);
  openssl_returnEvent(done);
  carry(*client, *server);
  EXPECT_TRUE(client->established());
  server.reset();
  openssl_freeCompletions(completions);
}

TEST(StartingEngineTest, MayRefuseACall) {
  StartingEngine starting;
  starting.refuses = true;
  openssl_completions_t* completions = openssl_newCompletions();
  Pair pair(TLS1_3_VERSION, KeyType::kEcP256, true);
  auto client = pair.plain_client();
  auto server = pair.machine_server();
  openssl_setEngine(server->tls(), &starting.engine);
  server->on_call = [&](OPENSSL_EVENT* e) {
    EXPECT_EQ(openssl_startCall(e, completions), 0);
    openssl_failCall(e, "refused");
    openssl_putEvent(server->tls(), e);
  };
  carry(*client, *server);
  EXPECT_EQ(server->reason(), OPENSSL_REASON_CALL_FAILED);
  openssl_freeCompletions(completions);
}

TEST(StartingEngineTest, OneThatOnlyCallsIsCalled) {
  openssl_completions_t* completions = openssl_newCompletions();
  Pair pair(TLS1_3_VERSION, KeyType::kEcP256, true);
  auto client = pair.plain_client();
  auto server = pair.machine_server();
  server->on_call = [&](OPENSSL_EVENT* e) { ASSERT_EQ(openssl_startCall(e, completions), 1); };
  carry(*client, *server);
  openssl_returnEvent(openssl_collectCompletion(completions));
  carry(*client, *server);
  EXPECT_TRUE(client->established());
  server.reset();
  openssl_freeCompletions(completions);
}

// A key of such an engine cannot be used where nobody could wait for it.
TEST(StartingEngineTest, KeyOfItNeedsAMachine) {
  StartingEngine starting;
  const Key key(openssl_engineKey(shared_key(KeyType::kEcP256), &starting.engine, nullptr, nullptr));
  Pair pair(TLS1_3_VERSION, KeyType::kEcP256);
  ASSERT_EQ(SSL_CTX_use_PrivateKey(pair.server_context.get(), key.get()), 1);
  auto client = pair.plain_client();
  auto server = pair.plain_server();
  carry(*client, *server);
  EXPECT_TRUE(server->failed());
}

}  // namespace
}  // namespace openssl_event::testing
