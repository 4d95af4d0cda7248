// A connection that frees its SSL: when it does, what is answered afterwards, and that nobody else notices.
#include <openssl/err.h>

#include "tests/record_path/path_fixture.h"
#include "tests/support/failing_new.h"

namespace openssl_event::testing {
namespace {

class ReleaseTest : public PathTest {
 protected:
  ~ReleaseTest() override { fail_allocation(0); }

  bool freed() const { return path().ssl_freed; }
  void ask() {
    openssl_releaseSsl(machine->tls());
    machine->work();
  }
  void expect_data_flows() {
    exchange(pattern(40000), pattern(40000));
    EXPECT_FALSE(machine->failed());
    EXPECT_FALSE(peer->failed());
  }
  void close() {
    machine->close_output();
    peer->close_output();
    carry(*machine, *peer);
    EXPECT_TRUE(machine->closed_in() && peer->closed_in());
  }
};

TEST_P(ReleaseTest, KeepsTheSslUnlessAsked) {
  connect();
  take_over();
  EXPECT_FALSE(freed());
  EXPECT_NE(machine->ssl(), nullptr);
}

TEST_P(ReleaseTest, FreesTheSslOfAnIdleConnectionUnlessItAwaitsATicket) {
  connect();
  ask();
  EXPECT_EQ(freed(), machine_is_server || !tls13());
  expect_data_flows();
}

TEST_P(ReleaseTest, MayBeAskedBeforeTheHandshake) {
  make();
  openssl_releaseSsl(machine->tls());
  connect();
  expect_data_flows();
  machine->work();
  EXPECT_TRUE(freed());
  expect_data_flows();
  close();
}

TEST_P(ReleaseTest, AsksOnceOrOften) {
  connect();
  take_over();
  for (int i = 0; i < 3; ++i) ask();
  EXPECT_TRUE(freed());
  expect_data_flows();
}

TEST_P(ReleaseTest, WaitsForTheLastOfAMessageThatIsForLibssl) {
  if (!tls13()) return;
  connect();
  take_over();
  SSL_key_update(peer->ssl(), SSL_KEY_UPDATE_NOT_REQUESTED);
  SSL_do_handshake(peer->ssl());
  deliver(*machine, peer->take_output());
  ask();
  EXPECT_FALSE(freed());
  exchange("", "the next data shows that it was whole");
  EXPECT_TRUE(freed());
  expect_data_flows();
}

TEST_P(ReleaseTest, NegotiatedAnswersAsBefore) {
  make();
  const unsigned char protocols[] = "\x2h2\x8http/1.1";
  SSL* client = machine_is_server ? peer->ssl() : machine->ssl();
  SSL_set_alpn_protos(client, protocols, sizeof protocols - 1);
  SSL_CTX_set_alpn_select_cb(
      pair.server_context.get(),
      [](SSL*, const unsigned char** out, unsigned char* len, const unsigned char* in, unsigned, void*) {
        *out = in + 1;
        *len = *in;
        return SSL_TLSEXT_ERR_OK;
      },
      nullptr);
  connect();
  take_over();
  OPENSSL_NEGOTIATED before = {}, after = {};
  ASSERT_EQ(openssl_negotiated(machine->tls(), &before), 1);
  const std::string said[] = {before.protocol, before.cipher, before.group, before.server_name};
  const std::string alpn(reinterpret_cast<const char*>(before.alpn), before.alpn_len);
  EXPECT_EQ(alpn, "h2");
  ask();
  ASSERT_TRUE(freed());
  peer.reset();
  pair = Pair(GetParam().version);
  ASSERT_EQ(openssl_negotiated(machine->tls(), &after), 1);
  EXPECT_EQ(said[0], after.protocol);
  EXPECT_EQ(said[1], after.cipher);
  EXPECT_EQ(said[2], after.group);
  EXPECT_EQ(said[3], after.server_name);
  EXPECT_EQ(alpn, std::string(reinterpret_cast<const char*>(after.alpn), after.alpn_len));
}

TEST_P(ReleaseTest, WhatNeedsTheSslDoesNothingAfterwards) {
  connect();
  take_over();
  ask();
  openssl_setRecordPath(machine->tls(), 0);
  openssl_allowRenegotiation(machine->tls(), 1);
  EXPECT_EQ(openssl_renegotiate(machine->tls()), 0);
  EXPECT_EQ(openssl_updateKey(machine->tls(), 1), tls13());
  expect_data_flows();
  EXPECT_EQ(path().sends, OPENSSL_PATH_DIRECT);
  EXPECT_EQ(machine->count(OPENSSL_STATUS_KEY_UPDATED), tls13());
}

TEST_P(ReleaseTest, AnSslThatIsHeldLivesOnWithoutTheMachine) {
  connect();
  take_over();
  SSL* ssl = machine->ssl();
  SSL_up_ref(ssl);
  ask();
  ASSERT_TRUE(freed());
  EXPECT_EQ(SSL_get_wbio(ssl), nullptr);
  EXPECT_NE(SSL_get_session(ssl), nullptr);
  SSL_free(ssl);
  expect_data_flows();
}

TEST_P(ReleaseTest, MachineMayBeFreedInAnyState) {
  connect();
  take_over();
  ask();
  machine->keep_cleartext = machine->keep_records = true;
  peer->send(pattern(50000));
  machine->send(pattern(50000));
  carry(*machine, *peer);
  machine->free_machine();
  EXPECT_FALSE(machine->cleartext.empty());
}

TEST_P(ReleaseTest, EndOfTransportIsATruncation) {
  connect();
  take_over();
  ask();
  machine->receive("\x17\x03\x03");
  machine->end_input();
  machine->work();
  EXPECT_EQ(machine->reason(), OPENSSL_REASON_TRUNCATED);
  EXPECT_EQ(machine->records_put, machine->records_returned);
}

TEST_P(ReleaseTest, EndOfTransportIsAnEndWhereThatIsIgnored) {
  SSL_CTX_set_options(machine_context(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  connect();
  take_over();
  ask();
  machine->end_input();
  machine->work();
  EXPECT_TRUE(machine->closed_in());
  EXPECT_FALSE(machine->failed());
}

TEST_P(ReleaseTest, NothingIsSealedAfterCloseNotify) {
  connect();
  take_over();
  ask();
  machine->close_output();
  machine->work();
  EXPECT_EQ(split_records(machine->take_output()).size(), 1u);
  if (tls13()) SSL_key_update(peer->ssl(), SSL_KEY_UPDATE_REQUESTED);
  deliver(*machine, records_of_peer("still there"));
  EXPECT_TRUE(machine->received().ends_with("still there"));
  std::string broken = records_of_peer("x");
  broken.back() ^= 1;
  deliver(*machine, broken);
  EXPECT_TRUE(machine->failed());
  EXPECT_EQ(machine->take_output(), "");
  EXPECT_EQ(machine->failure()->alert_sent, -1);
}

TEST_P(ReleaseTest, EachAllocationMayFail) {
  for (long n = 1;; ++n) {
    make();
    connect();
    take_over();
    fail_allocation(n);
    ask();
    machine->send("to the peer");
    peer->send("to the machine");
    carry(*machine, *peer);
    machine->close_output();
    peer->close_output();
    carry(*machine, *peer);
    EXPECT_EQ(machine->closed_in(), !machine->failed());
    const bool failed = allocation_failed();
    fail_allocation(0);
    if (!failed) break;
    EXPECT_TRUE(!machine->failed() || machine->reason() == OPENSSL_REASON_NO_MEMORY);
    ASSERT_LT(n, 200);
  }
  EXPECT_TRUE(freed());
}

FOR_ALL_VARIANTS(ReleaseTest);

// ---- The session goes on ----

class ReleaseSessionTest : public ReleaseTest {
 protected:
  SSL* client() const { return machine_is_server ? peer->ssl() : machine->ssl(); }
  // A first connection, whose machine frees its SSL, and a second one of the same session.
  void expect_resumption() {
    connect();
    take_over();
    SSL_SESSION* session = SSL_get1_session(client());
    ask();
    ASSERT_TRUE(freed());
    close();
    machine.reset();
    peer.reset();
    make();
    ASSERT_EQ(SSL_set_session(client(), session), 1);
    SSL_SESSION_free(session);
    connect();
    EXPECT_TRUE(SSL_session_reused(client()));
    take_over();
  }
};

TEST_P(ReleaseSessionTest, IsResumedByItsTicket) { expect_resumption(); }

TEST_P(ReleaseSessionTest, IsResumedFromTheServersCache) {
  SSL_CTX_set_options(pair.server_context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(pair.server_context.get(), SSL_SESS_CACHE_SERVER);
  SSL_CTX_set_session_id_context(pair.server_context.get(), reinterpret_cast<const unsigned char*>("test"), 4);
  expect_resumption();
}

FOR_ALL_VARIANTS(ReleaseSessionTest);

// ---- Where libssl must stay ----

class KeptTest : public ReleaseTest {
 protected:
  void expect_kept() {
    ask();
    expect_data_flows();
    machine->work();
    EXPECT_FALSE(freed());
    EXPECT_NE(machine->ssl(), nullptr);
    close();
  }
};

TEST_P(KeptTest, ContextThatIsNotPrepared) {
  pair = Pair(GetParam().version);
  connect();
  expect_kept();
}

TEST_P(KeptTest, PathThatIsOffUntilItIsOn) {
  make();
  openssl_setRecordPath(machine->tls(), 0);
  connect();
  ask();
  expect_data_flows();
  EXPECT_FALSE(freed());
  openssl_setRecordPath(machine->tls(), 1);
  if (tls13() && !machine_is_server) return expect_kept();  // its tickets passed by unseen
  expect_data_flows();
  EXPECT_TRUE(freed());
}

TEST_P(KeptTest, PaddingByLibssl) {
  if (!tls13()) return;
  make();
  SSL_set_block_padding(machine->ssl(), 512);
  connect();
  expect_kept();
}

TEST_P(KeptTest, RenegotiationAllowed) {
  if (tls13()) return;
  make();
  openssl_allowRenegotiation(machine->tls(), 1);
  connect();
  expect_kept();
}

TEST_P(KeptTest, ClientWhoseServerSendsNoTicket) {
  if (!tls13() || machine_is_server) return;
  SSL_CTX_set_num_tickets(pair.server_context.get(), 0);
  connect();
  expect_kept();
}

FOR_ALL_VARIANTS(KeptTest);

// ---- After the handshake of TLS 1.3 ----

class ReleaseLateTest : public ReleaseTest {};

TEST_P(ReleaseLateTest, TicketsThatComeLaterAreDropped) {
  if (machine_is_server) return;
  connect();
  take_over();
  ask();
  ASSERT_EQ(SSL_new_session_ticket(peer->ssl()), 1);
  expect_data_flows();
  close();
}

TEST_P(ReleaseLateTest, RequestForACertificateEndsIt) {
  if (machine_is_server) return;
  use_key(pair.client_context.get(), KeyType::kEcP256, false);
  SSL_CTX_set_post_handshake_auth(pair.client_context.get(), 1);
  connect();
  take_over();
  ask();
  SSL_set_verify(peer->ssl(), SSL_VERIFY_PEER, nullptr);
  ASSERT_EQ(SSL_verify_client_post_handshake(peer->ssl()), 1);
  ASSERT_EQ(SSL_do_handshake(peer->ssl()), 1);
  carry(*machine, *peer);
  ASSERT_TRUE(machine->failed());
  EXPECT_EQ(machine->failure()->alert_sent, SSL_AD_UNEXPECTED_MESSAGE);
  EXPECT_EQ(ERR_GET_REASON(peer->error()), SSL_AD_REASON_OFFSET + SSL_AD_UNEXPECTED_MESSAGE);
}

FOR_TLS13_VARIANTS(ReleaseLateTest);

class ReleaseFloodTest : public ReleaseTest {};

TEST_P(ReleaseFloodTest, PeerThatAsksForKeyUpdatesAndReadsNothingIsEnded) {
  connect();
  take_over();
  ask();
  machine->keep_records = true;
  for (int i = 0; i < 60000 && !machine->failed(); ++i) {
    SSL_key_update(peer->ssl(), SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(peer->ssl());
    deliver(*machine, peer->take_output());
  }
  EXPECT_EQ(machine->reason(), OPENSSL_REASON_FLOOD);
}

INSTANTIATE_TEST_SUITE_P(OneVariant, ReleaseFloodTest, ::testing::Values(tls13_variants()[0]), variant_name);

}  // namespace
}  // namespace openssl_event::testing
