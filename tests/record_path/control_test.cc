// What is not application data, while application data is on the record path: key updates, tickets, authentication.
#include <openssl/err.h>

#include <map>
#include <set>

#include "openssl_event/connection.h"
#include "tests/record_path/path_fixture.h"

namespace openssl_event::testing {
namespace {

// ---- Key updates ----

class KeyUpdateTest : public PathTest {
 protected:
  void update_peers_key(bool both) {
    EXPECT_EQ(SSL_key_update(peer->ssl(), both ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED), 1);
  }
  void update_machines_key(bool both) { EXPECT_EQ(openssl_updateKey(machine->tls(), both), 1); }
  void expect_all_well() {
    exchange(pattern(20000), pattern(20000));
    EXPECT_FALSE(machine->failed());
    EXPECT_FALSE(peer->failed());
    EXPECT_EQ(path().sends, OPENSSL_PATH_DIRECT);
    EXPECT_EQ(path().receives, OPENSSL_PATH_DIRECT);
  }
};

TEST_P(KeyUpdateTest, OfThePeer) {
  connect();
  take_over();
  for (int i = 0; i < 5; ++i) {
    update_peers_key(i % 2);
    expect_all_well();
  }
}

TEST_P(KeyUpdateTest, OfTheMachine) {
  connect();
  take_over();
  for (int i = 0; i < 5; ++i) {
    update_machines_key(i % 2);
    expect_all_well();
  }
  EXPECT_EQ(machine->count(OPENSSL_STATUS_KEY_UPDATED), 5);
}

TEST_P(KeyUpdateTest, BeforeAnyData) {
  connect();
  update_peers_key(true);
  update_machines_key(true);
  expect_all_well();
}

TEST_P(KeyUpdateTest, BeforeDataOfOneDirection) {
  connect();
  exchange("", "only to the machine");
  update_peers_key(true);
  exchange("", "again");
  update_machines_key(true);
  expect_all_well();
}

TEST_P(KeyUpdateTest, Crossing) {
  connect();
  take_over();
  for (int i = 0; i < 5; ++i) {
    update_machines_key(true);
    update_peers_key(true);
    const std::string ours = records_of_machine(pattern(3000));
    const std::string theirs = records_of_peer(pattern(3000));
    deliver(*machine, theirs);
    deliver(*peer, ours);
    carry(*machine, *peer);
    expect_all_well();
  }
}

TEST_P(KeyUpdateTest, InTheMiddleOfData) {
  connect();
  take_over();
  machine->send(pattern(50000));
  update_machines_key(true);
  machine->send(pattern(50000, 'k'));
  update_machines_key(false);
  machine->send(pattern(50000, 'm'));
  carry(*machine, *peer);
  EXPECT_TRUE(peer->received().ends_with(pattern(50000) + pattern(50000, 'k') + pattern(50000, 'm')));
  expect_all_well();
}

TEST_P(KeyUpdateTest, WhileRecordsAreQueued) {
  connect();
  take_over();
  machine->keep_cleartext = machine->keep_records = true;
  for (int i = 0; i < 5; ++i) {
    update_peers_key(true);
    peer->send(pattern(16384 * 5));
    machine->send(pattern(16384 * 5));
    carry(*machine, *peer);
  }
  machine->keep_cleartext = machine->keep_records = false;
  for (int i = 0; i < 10; ++i) {
    machine->return_all_cleartext();
    machine->return_records();
    carry(*machine, *peer);
  }
  EXPECT_EQ(machine->received().size(), 14u + 25 * 16384);
  EXPECT_EQ(peer->received().size(), 11u + 25 * 16384);
  expect_all_well();
}

TEST_P(KeyUpdateTest, RequestIsAnsweredWithoutDataOfOurs) {
  connect();
  take_over();
  update_peers_key(true);
  deliver(*machine, records_of_peer("x"));
  const std::string answer = machine->take_output();
  EXPECT_EQ(split_records(answer).size(), 1u);
  deliver(*peer, answer);
  expect_all_well();
}

TEST_P(KeyUpdateTest, OnTheTranslatedPath) {
  connect();
  take_over();
  openssl_setRecordPath(machine->tls(), 0);
  for (int i = 0; i < 4; ++i) {
    update_machines_key(i % 2);
    update_peers_key(i % 2);
    exchange(pattern(20000), pattern(20000));
  }
  openssl_setRecordPath(machine->tls(), 1);
  expect_all_well();
}

TEST_P(KeyUpdateTest, ComesByItselfBeforeTheKeyIsSpent) {
  connect();
  take_over();
  machine->tls()->path()->set_limit(20);
  std::string text;
  for (int i = 0; i < 200; ++i) {
    exchange("record " + std::to_string(i), "");
    EXPECT_LE(machine->tls()->path()->records_of_key(), 20u);
  }
  expect_all_well();
}

FOR_TLS13_VARIANTS_AND_WITHOUT_SSL(KeyUpdateTest);

TEST(KeyLimitTest, GcmOfTls13HasOneBelowThatOfTheRfc) {
  RecordSuite suite;
  Pair pair(TLS1_3_VERSION);
  use_suite(pair.server_context.get(), tls13_variants()[0]);
  use_suite(pair.client_context.get(), tls13_variants()[0]);
  auto client = pair.plain_client(), server = pair.plain_server();
  carry(*client, *server);
  ASSERT_TRUE(find_suite(client->ssl(), suite));
  EXPECT_EQ(suite.records_limit, std::uint64_t{1} << 24);
}

// ---- Tickets ----

std::vector<SSL_SESSION*>* sessions;  // that a client has got

int keep_session(SSL*, SSL_SESSION* session) {
  sessions->push_back(session);
  return 1;
}

class TicketTest : public PathTest {
 protected:
  TicketTest() {
    sessions = &got;
    SSL_CTX_set_session_cache_mode(pair.client_context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(pair.client_context.get(), keep_session);
  }
  ~TicketTest() override {
    for (SSL_SESSION* session : got) SSL_SESSION_free(session);
  }
  // libssl forgets the session of a connection that was not closed in order.
  void close() {
    machine->close_output();
    peer->close_output();
    carry(*machine, *peer);
  }
  SSL* client() const { return machine_is_server ? peer->ssl() : machine->ssl(); }

  std::vector<SSL_SESSION*> got;
};

TEST_P(TicketTest, ResumesWithWhatWasGot) {
  connect();
  take_over();
  ASSERT_GE(got.size(), 1u);
  close();
  make();
  ASSERT_EQ(SSL_set_session(client(), got.back()), 1);
  connect();
  EXPECT_TRUE(SSL_session_reused(client()));
  take_over();
  exchange(pattern(50000), pattern(50000));
}

TEST_P(TicketTest, TicketAfterTakeOverResumes) {
  if (!tls13() || machine_is_server) return;
  connect();
  take_over();
  const std::size_t before = got.size();
  ASSERT_EQ(SSL_new_session_ticket(peer->ssl()), 1);
  exchange(pattern(100), pattern(100));
  ASSERT_EQ(got.size(), before + 1);
  close();
  make();
  ASSERT_EQ(SSL_set_session(client(), got.back()), 1);
  connect();
  EXPECT_TRUE(SSL_session_reused(client()));
  take_over();
}

TEST_P(TicketTest, OfAServerOnTheRecordPathGoesOutAtOnce) {
  if (!tls13() || !machine_is_server) return;
  connect();
  take_over();
  const std::size_t before = got.size();
  for (std::size_t i = 1; i < 4; ++i) {
    ASSERT_EQ(SSL_new_session_ticket(machine->ssl()), 1);
    carry(*machine, *peer);
    EXPECT_EQ(got.size(), before + i);
    exchange(pattern(20000), pattern(20000));
  }
  close();
  make();
  ASSERT_EQ(SSL_set_session(client(), got.back()), 1);
  connect();
  EXPECT_TRUE(SSL_session_reused(client()));
}

FOR_ALL_VARIANTS(TicketTest);

// ---- A certificate asked for after the handshake ----

class LateAuthenticationTest : public PathTest {
 protected:
  LateAuthenticationTest() {
    use_key(pair.client_context.get(), KeyType::kEcP256, true);
    trust(pair.server_context.get(), KeyType::kEcP256);
    SSL_CTX_set_post_handshake_auth(pair.client_context.get(), 1);
  }
};

TEST_P(LateAuthenticationTest, SignsByAnEngineCall) {
  if (machine_is_server) return;
  connect();
  take_over();
  SSL_set_verify(peer->ssl(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  ASSERT_EQ(SSL_verify_client_post_handshake(peer->ssl()), 1);
  ASSERT_EQ(SSL_do_handshake(peer->ssl()), 1);
  machine->keep_calls = true;
  carry(*machine, *peer);
  ASSERT_EQ(machine->calls.size(), 1u);
  machine->send("while the call is out");
  machine->work();
  machine->execute_and_return_calls();
  carry(*machine, *peer);
  EXPECT_TRUE(peer->received().ends_with("while the call is out"));
  exchange(pattern(1000), pattern(1000));
  EXPECT_EQ(SSL_get_verify_result(peer->ssl()), X509_V_OK);
  X509* certificate = SSL_get1_peer_certificate(peer->ssl());
  EXPECT_NE(certificate, nullptr);
  X509_free(certificate);
}

FOR_TLS13_VARIANTS(LateAuthenticationTest);

// ---- TLS 1.2 ----

class Tls12Test : public PathTest {};

TEST_P(Tls12Test, RenegotiationIsRefusedAsByLibssl) {
  SSL_CTX_clear_options(peer_context(), SSL_OP_NO_RENEGOTIATION);
  connect();
  take_over();
  auto twin = machine_is_server ? pair.plain_server() : pair.plain_client();
  auto twin_peer = machine_is_server ? pair.plain_client() : pair.plain_server();
  SSL_set_options(twin->ssl(), SSL_OP_NO_RENEGOTIATION);
  carry(*twin, *twin_peer);
  peer->renegotiate();
  twin_peer->renegotiate();
  carry(*machine, *peer);
  carry(*twin, *twin_peer);
  EXPECT_EQ(machine->failed(), twin->failed());
  EXPECT_EQ(machine->error(), twin->error());
  EXPECT_EQ(peer->failed(), twin_peer->failed());
  EXPECT_EQ(peer->error(), twin_peer->error());
}

// The explicit nonces on the wire, of the handshake's last record, of data by our hand and by libssl's, and of the end.
TEST_P(Tls12Test, ExplicitNoncesNeverRepeat) {
  if (std::string(GetParam().suite).find("GCM") == std::string::npos) return;
  make();
  std::set<std::string> nonces;
  std::size_t records = 0;
  bool encrypted = false;
  const auto pass = [&] {
    for (;;) {
      machine->work();
      peer->work();
      const std::string out = machine->take_output(), in = peer->take_output();
      if (out.empty() && in.empty()) return;
      for (const std::string& record : split_records(out)) {
        if (encrypted) {
          ++records;
          EXPECT_TRUE(nonces.insert(record.substr(5, 8)).second) << "record " << records;
        }
        encrypted = encrypted || record[0] == kChangeCipherSpec;
      }
      deliver(*peer, out);
      deliver(*machine, in);
    }
  };
  pass();
  EXPECT_EQ(records, 1u);
  for (int i = 0; i < 400; ++i) {
    openssl_setRecordPath(machine->tls(), i % 7 != 3);
    machine->send(pattern(static_cast<std::size_t>(i * 61 % 40000 + 1)));
    peer->send("x");
    pass();
  }
  machine->close_output();
  pass();
  EXPECT_GT(records, 500u);
  EXPECT_FALSE(peer->failed());
  EXPECT_TRUE(peer->closed_in());
}

INSTANTIATE_TEST_SUITE_P(Variants, Tls12Test, ::testing::ValuesIn(with_and_without_ssl(tls12_variants())),
                         variant_name);

// ---- If libssl did not do as we count ----

class SelfCheckTest : public PathTest {
 protected:
  void miscount_output() {
    unsigned char record[64] = {kApplicationData, 3, 3, 0, 59};
    EXPECT_TRUE(machine->tls()->path()->translate(record, sizeof record));
  }
};

TEST_P(SelfCheckTest, SendsNothingUnderAWrongNumber) {
  connect();
  miscount_output();
  EXPECT_EQ(records_of_machine("data"), "");
  EXPECT_TRUE(machine->failed());
  EXPECT_EQ(machine->reason(), OPENSSL_REASON_PROTOCOL);
}

TEST_P(SelfCheckTest, LetsNoRecordOfLibsslsOutThatItCannotRenumber) {
  connect();
  take_over();
  // libssl uses one of its numbers for a record that never comes to the machine.
  unsigned char lost[100] = {kApplicationData, 3, 3, 0, 95};
  EXPECT_FALSE(machine->tls()->path()->translate(lost, sizeof lost));
  machine->close_output();
  machine->work();
  EXPECT_EQ(machine->take_output(), "");
  EXPECT_TRUE(machine->failed());
}

TEST_P(SelfCheckTest, AcceptsNothingUnderAWrongNumber) {
  connect();
  if (path().receives == OPENSSL_PATH_DIRECT) return;  // the tickets of TLS 1.3 have come: it counts no more
  machine->tls()->path()->passes(kApplicationData);
  peer->send("data");
  carry(*machine, *peer);
  EXPECT_EQ(machine->received(), "");
  EXPECT_TRUE(machine->failed());
}

FOR_ALL_VARIANTS(SelfCheckTest);

// ---- A context that a server name leads to ----

class SwitchedContextTest : public PathTest {
 protected:
  void switch_to(bool prepared) {
    other = make_server_context(GetParam().version);
    use_suite(other.get(), GetParam());
    if (prepared) {
      EXPECT_EQ(openssl_prepareContext(other.get()), 1);
    }
    SSL_CTX_set_tlsext_servername_arg(pair.server_context.get(), other.get());
    SSL_CTX_set_tlsext_servername_callback(
        pair.server_context.get(), +[](SSL* ssl, int*, void* to) {
          SSL_set_SSL_CTX(ssl, static_cast<SSL_CTX*>(to));
          return SSL_TLSEXT_ERR_OK;
        });
  }
  Context other;
};

TEST_P(SwitchedContextTest, ThatIsPreparedGoesOn) {
  if (!machine_is_server) return;
  switch_to(true);
  connect();
  take_over();
}

TEST_P(SwitchedContextTest, ThatIsNotStaysWithLibssl) {
  if (!machine_is_server) return;
  switch_to(false);
  connect();
  exchange(pattern(40000), pattern(40000));
  EXPECT_EQ(path().reason, OPENSSL_PATH_REASON_SECRETS);
  EXPECT_EQ(path().sends, OPENSSL_PATH_LIBSSL);
}

FOR_TLS13_VARIANTS(SwitchedContextTest);

}  // namespace
}  // namespace openssl_event::testing
