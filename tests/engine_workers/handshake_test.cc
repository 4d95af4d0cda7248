// Whole handshakes, in memory, whose signatures are made on a pool.
#include <array>
#include <memory>
#include <stdexcept>

#include "tests/engine_workers/pool_fixture.h"
#include "tests/support/keys.h"

namespace openssl_event::testing {
namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;

// One end of a connection, and what has been seen of it.
struct End {
  openssl_t* tls = nullptr;
  End* peer = nullptr;
  bool done = false;
  OPENSSL_STATUS error = {};
  unsigned long signed_by = 0;  // the thread
};

class HandshakeOnWorkersTest : public PoolTest {
 protected:
  void SetUp() override {
    PoolTest::SetUp();
    const Certificate certificate = make_certificate(shared_key(KeyType::kEcP256));
    const Key key(openssl_offloadKey(shared_key(KeyType::kEcP256), nullptr, nullptr, 0));
    ASSERT_EQ(SSL_CTX_use_certificate(server_context.get(), certificate.get()), 1);
    ASSERT_EQ(SSL_CTX_use_PrivateKey(server_context.get(), key.get()), 1);
  }
  void TearDown() override {
    gate.open();
    openssl_freeWorkers(std::exchange(pool, nullptr));
    while (OPENSSL_EVENT* e = openssl_collectCompletion(completions)) openssl_returnEvent(e);
    for (Pair& pair : pairs)
      for (End* end : {&pair.client, &pair.server}) openssl_free(end->tls);
    PoolTest::TearDown();
  }

  struct Pair {
    End client, server;
  };

  void connect(Pair& pair, const OPENSSL_ENGINE* engine = nullptr) {
    pair.client.tls = machine(client_context.get(), SSL_set_connect_state, &pair.client);
    pair.server.tls = machine(server_context.get(), SSL_set_accept_state, &pair.server);
    pair.client.peer = &pair.server;
    pair.server.peer = &pair.client;
    openssl_setEngine(pair.server.tls, engine);
  }
  // Serves both ends until nothing moves any more without the pool.
  void serve(Pair& pair) {
    while (serve(pair.client) | serve(pair.server)) {
    }
  }
  bool serve(End& end) {
    bool moved = false;
    while (OPENSSL_EVENT* e = end.tls ? openssl_getEvent(end.tls) : nullptr) {
      dispatch(end, e);
      moved = true;
    }
    return moved;
  }
  // Waits for one call, gives it back, and lets its connection go on.
  void complete_one() {
    OPENSSL_EVENT* e = collect_one();
    ASSERT_NE(e, nullptr);
    auto* server = static_cast<End*>(e->e.user);
    server->signed_by = e->e.thread;
    const bool alive = openssl_owner(e);
    openssl_returnEvent(e);
    calls_out--;
    if (!alive) return;
    serve(*server);
    serve(*server->peer);
    serve(*server);
  }

  std::array<Pair, 20> pairs;
  int calls_out = 0;

 private:
  static openssl_t* machine(SSL_CTX* context, void (*set_role)(SSL*), End* end) {
    SSL* ssl = SSL_new(context);
    set_role(ssl);
    openssl_t* tls = openssl_new(ssl);
    SSL_free(ssl);
    EXPECT_NE(tls, nullptr) << last_error();
    openssl_setUser(tls, end);
    return tls;
  }
  void dispatch(End& end, OPENSSL_EVENT* e) {
    switch (e->kind) {
      case OPENSSL_RECORD_OUT_KIND:
        if (end.peer->tls)
          openssl_putEvent(end.peer->tls, openssl_newRecordInEvent(e->r.buf, static_cast<size_t>(e->r.len)));
        break;
      case OPENSSL_ENGINE_CALL_OUT_KIND:
        ASSERT_TRUE(submit(e)) << last_error();
        calls_out++;
        return;
      case OPENSSL_STATUS_OUT_KIND:
        if (e->s.status == OPENSSL_STATUS_HANDSHAKE_DONE) end.done = true;
        if (e->s.status == OPENSSL_STATUS_ERROR) end.error = e->s;
        break;
      case OPENSSL_RECORD_IN_KIND: openssl_freeEvent(e); return;
      default: break;
    }
    openssl_putEvent(end.tls, e);
  }

  Context client_context{SSL_CTX_new(TLS_client_method())};
  Context server_context{SSL_CTX_new(TLS_server_method())};
};

TEST_F(HandshakeOnWorkersTest, FinishesWithASignatureMadeOnAnotherThread) {
  make_pool(1);
  Pair& pair = pairs[0];
  connect(pair);
  serve(pair);
  EXPECT_EQ(calls_out, 1);
  EXPECT_FALSE(pair.server.done);
  complete_one();
  EXPECT_TRUE(pair.client.done);
  EXPECT_TRUE(pair.server.done);
  EXPECT_NE(pair.server.signed_by, 0u);
  EXPECT_NE(pair.server.signed_by, static_cast<unsigned long>(gettid()));
}

TEST_F(HandshakeOnWorkersTest, ManyAtATimeFinish) {
  make_pool(3);
  for (Pair& pair : pairs) connect(pair);
  for (Pair& pair : pairs) serve(pair);
  while (calls_out > 0) complete_one();
  for (Pair& pair : pairs) EXPECT_TRUE(pair.client.done && pair.server.done);
}

TEST_F(HandshakeOnWorkersTest, EndsWithInternalErrorWhenTheEngineThrows) {
  make_pool(1);
  const auto call = [](OPENSSL_EVENT*) -> int { throw std::runtime_error("token unplugged"); };
  const OPENSSL_ENGINE engine = {sizeof engine, "throws", call, nullptr, nullptr};
  Pair& pair = pairs[0];
  connect(pair, &engine);
  serve(pair);
  complete_one();
  EXPECT_EQ(pair.server.error.status, OPENSSL_STATUS_ERROR);
  EXPECT_EQ(pair.server.error.reason, OPENSSL_REASON_CALL_FAILED);
  EXPECT_EQ(pair.server.error.alert_sent, SSL_AD_INTERNAL_ERROR);
  EXPECT_EQ(pair.client.error.alert_received, SSL_AD_INTERNAL_ERROR);

  connect(pairs[1]);
  serve(pairs[1]);
  complete_one();
  EXPECT_TRUE(pairs[1].server.done) << "everything else goes on";
}

TEST_F(HandshakeOnWorkersTest, DoesNotMissAConnectionThatIsFreedWhileItsCallIsQueued) {
  make_pool(1);
  occupy_worker();
  connect(pairs[0]);
  serve(pairs[0]);
  openssl_free(std::exchange(pairs[0].server.tls, nullptr));
  gate.open();
  openssl_returnEvent(collect_one());
  complete_one();
  EXPECT_EQ(pairs[0].server.signed_by, 0u) << "skipped";
}

TEST_F(HandshakeOnWorkersTest, DoesNotMissAConnectionThatIsFreedWhileItsCallRuns) {
  Gate inside;
  const auto call = [](OPENSSL_EVENT* e) {
    static_cast<Gate*>(e->e.engine->data)->pass();
    return openssl_defaultEngine()->call(e);
  };
  const OPENSSL_ENGINE engine = {sizeof engine, "slow", call, &inside, nullptr};
  make_pool(1);
  connect(pairs[0], &engine);
  serve(pairs[0]);
  inside.wait_for_waiting(1);
  openssl_free(std::exchange(pairs[0].server.tls, nullptr));
  inside.open();
  complete_one();
  EXPECT_NE(pairs[0].server.signed_by, 0u) << "executed, for nobody";
}

}  // namespace
}  // namespace openssl_event::testing
