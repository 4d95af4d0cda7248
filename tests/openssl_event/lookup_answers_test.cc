// What each answer does: refusals and their alerts, other contexts, verification by others and by OpenSSL, the store's
// events.
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <cstring>

#include "tests/openssl_event/answers_fixture.h"
#include "tests/openssl_event/lookup_fixture.h"

namespace openssl_event::testing {
namespace {

void flush_sessions(SSL_CTX* context) {
#if OPENSSL_VERSION_NUMBER >= 0x30400000L
  SSL_CTX_flush_sessions_ex(context, 0);
#else
  SSL_CTX_flush_sessions(context, 0);
#endif
}

TEST_P(Answers, HelloShowsWhatTheClientOffers) {
  ask_server(OPENSSL_LOOKUP_CLIENT_HELLO, [&](OPENSSL_EVENT* e) {
    const OPENSSL_CLIENT_HELLO& hello = *e->l.u.client_hello;
    EXPECT_STREQ(hello.server_name, "localhost");
    EXPECT_EQ(hello.legacy_version, static_cast<unsigned>(TLS1_2_VERSION));
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(hello.alpn), hello.alpn_len), "\2h2");
    EXPECT_EQ(hello.versions_len, tls13() ? 2u : 0u);
    EXPECT_GE(hello.cipher_suites_len, 2u);
    bool has_name = false;
    for (std::size_t i = 0; i < hello.extension_count; ++i)
      has_name |= hello.extensions[i].type == TLSEXT_TYPE_server_name;
    EXPECT_TRUE(has_name);
    unsigned char random[32];
    EXPECT_EQ(SSL_get_client_random(client->ssl(), random, sizeof random), 32u);
    EXPECT_EQ(std::memcmp(hello.random, random, sizeof random), 0);
    openssl_answerAccept(e);
  });
  SSL_set_alpn_protos(client->ssl(), reinterpret_cast<const unsigned char*>("\2h2"), 3);
  expect_connected();
}

// libssl forgets those; GREASE (RFC 8701) is made of them.
TEST_P(Answers, HelloShowsExtensionsThatOpensslDoesNotKnow) {
  constexpr unsigned kUnknown = 0x1a1a;
  SSL_CTX_add_custom_ext(
      pair.client_context.get(), kUnknown, SSL_EXT_CLIENT_HELLO,
      [](SSL*, unsigned, unsigned, const unsigned char** out, std::size_t* size, X509*, std::size_t, int*, void*) {
        *out = reinterpret_cast<const unsigned char*>("grease");
        *size = 6;
        return 1;
      },
      nullptr, nullptr, nullptr, nullptr);
  std::string seen;
  ask_server(OPENSSL_LOOKUP_CLIENT_HELLO, [&](OPENSSL_EVENT* e) {
    const OPENSSL_CLIENT_HELLO& hello = *e->l.u.client_hello;
    for (std::size_t i = 0; i < hello.extension_count; ++i) {
      const OPENSSL_EXTENSION& extension = hello.extensions[i];
      if (extension.type == kUnknown) seen.assign(reinterpret_cast<const char*>(extension.data), extension.len);
    }
    openssl_answerAccept(e);
  });
  expect_connected();
  EXPECT_EQ(seen, "grease");
}

// As a peer with small records would send it.
TEST_P(Answers, HelloMayBeSpreadOverRecords) {
  ask_server(OPENSSL_LOOKUP_CLIENT_HELLO, [](OPENSSL_EVENT* e) {
    EXPECT_STREQ(e->l.u.client_hello->server_name, "localhost");
    openssl_answerAccept(e);
  });
  client->work();
  const std::string record = client->take_output();
  for (std::size_t at = OPENSSL_RECORD_HEADER_SIZE; at < record.size(); at += 50) {
    const std::string part = record.substr(at, 50);
    server->receive(record.substr(0, 3) + '\0' + static_cast<char>(part.size()) + part);
  }
  server->work();
  EXPECT_EQ(server->lookups_seen, 1);
  expect_connected();
}

TEST_P(Answers, HelloIsRefusedWithTheAlertOfChoice) {
  ask_server(OPENSSL_LOOKUP_CLIENT_HELLO, [](OPENSSL_EVENT* e) { openssl_answerAlert(e, SSL_AD_ACCESS_DENIED); });
  expect_refused(*server, *client, SSL_AD_ACCESS_DENIED);
}

TEST_P(Answers, NameIsRefused) {
  ask_server(OPENSSL_LOOKUP_CERTIFICATE, [](OPENSSL_EVENT* e) {
    EXPECT_STREQ(e->l.server_name, "localhost");
    openssl_answerAlert(e, SSL_AD_UNRECOGNIZED_NAME);
  });
  expect_refused(*server, *client, SSL_AD_UNRECOGNIZED_NAME);
}

TEST_P(Answers, NameHasAContextOfItsOwn) {
  const Context other = make_server_context(GetParam(), KeyType::kRsa, true);
  trust(pair.client_context.get(), KeyType::kRsa);
  ask_server(OPENSSL_LOOKUP_CERTIFICATE, [&](OPENSSL_EVENT* e) { openssl_answerContext(e, other.get()); });
  expect_connected();
  EXPECT_EQ(SSL_get_SSL_CTX(server->ssl()), other.get());
  EXPECT_EQ(X509_cmp(SSL_get0_peer_certificate(client->ssl()), shared_certificate(KeyType::kRsa)), 0);
  EXPECT_EQ(server->calls_seen, 1);  // its key is an offloaded one
}

TEST_P(Answers, NoneIsTheConfiguredCertificate) {
  ask_server(OPENSSL_LOOKUP_CERTIFICATE, [](OPENSSL_EVENT* e) { openssl_answerNone(e); });
  expect_connected();
}

TEST_P(Answers, AlpnMustBeOffered) {
  ask_server(OPENSSL_LOOKUP_ALPN, [](OPENSSL_EVENT* e) {
    EXPECT_EQ(openssl_answerAlpn(e, reinterpret_cast<const unsigned char*>("h3"), 2), 0);
    EXPECT_EQ(openssl_answerAlpn(e, reinterpret_cast<const unsigned char*>("h"), 1), 0);
    EXPECT_EQ(openssl_answerAlpn(e, reinterpret_cast<const unsigned char*>("h2"), 2), 1);
  });
  SSL_set_alpn_protos(client->ssl(), reinterpret_cast<const unsigned char*>("\3foo\2h2"), 7);
  expect_connected();
}

TEST_P(Answers, AlpnIsRefused) {
  ask_server(OPENSSL_LOOKUP_ALPN, [](OPENSSL_EVENT* e) { openssl_answerAlert(e, SSL_AD_NO_APPLICATION_PROTOCOL); });
  SSL_set_alpn_protos(client->ssl(), reinterpret_cast<const unsigned char*>("\2h2"), 3);
  expect_refused(*server, *client, SSL_AD_NO_APPLICATION_PROTOCOL);
}

TEST_P(Answers, StapleIsRefused) {
  ask_client(OPENSSL_LOOKUP_STAPLE_RECEIVED, [](OPENSSL_EVENT* e) {
    EXPECT_EQ(e->l.u.staple->response, nullptr);  // the server sent none
    EXPECT_EQ(X509_cmp(e->l.u.staple->certificate, shared_certificate(KeyType::kEcP256)), 0);
    openssl_answerAlert(e, SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE);
  });
  SSL_set_tlsext_status_type(client->ssl(), TLSEXT_STATUSTYPE_ocsp);
  expect_refused(*client, *server, SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE);
}

TEST_P(Answers, DefaultOfTicketKeysIsTheContexts) {
  ask_server(OPENSSL_LOOKUP_TICKET_KEY, [](OPENSSL_EVENT* e) { openssl_answerDefault(e); });
  for (const bool resumed : {false, true}) {
    expect_connected();
    EXPECT_EQ(SSL_session_reused(client->ssl()), resumed);
    client->close_output();
    server->close_output();
    carry(*client, *server);
    SSL_SESSION* session = SSL_get1_session(client->ssl());
    make();
    SSL_set_session(client->ssl(), session);
    SSL_SESSION_free(session);
  }
}

// An SSL of the same context without a machine: nobody is asked, and OpenSSL does as ever.
TEST_P(Answers, PlainSslsAreServedByDefault) {
  const unsigned all = 2 * OPENSSL_REMOVED_SESSIONS - 1;
  ASSERT_EQ(openssl_setLookups(pair.server_context.get(), all), 1);
  ASSERT_EQ(openssl_setLookups(pair.client_context.get(), OPENSSL_LOOKUP_VERIFY | OPENSSL_LOOKUP_STAPLE_RECEIVED), 1);
  const auto plain_client = pair.plain_client();
  const auto plain_server = pair.plain_server();
  SSL_set_tlsext_status_type(plain_client->ssl(), TLSEXT_STATUSTYPE_ocsp);
  carry(*plain_client, *plain_server);
  EXPECT_TRUE(plain_client->established() && plain_server->established());
}

TEST_P(Answers, CallbacksOfTheApplicationStayWhereNoLookupIsOn) {
  static int asked;
  asked = 0;
  SSL_CTX_set_alpn_select_cb(
      pair.server_context.get(),
      [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in, unsigned, void*) {
        asked++;
        *out = in + 1;
        *size = in[0];
        return SSL_TLSEXT_ERR_OK;
      },
      nullptr);
  ask_server(OPENSSL_LOOKUP_CERTIFICATE, [](OPENSSL_EVENT* e) { openssl_answerNone(e); });
  SSL_set_alpn_protos(client->ssl(), reinterpret_cast<const unsigned char*>("\2h2"), 3);
  expect_connected();
  EXPECT_EQ(asked, 1);
}

TEST_P(Answers, NewSessionsAreStatuses) {
  SSL_CTX_set_session_cache_mode(pair.client_context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  ask_client(OPENSSL_NEW_SESSIONS, nullptr);
  int sessions = 0;
  client->on_session = [&](SSL_SESSION* session) { sessions += SSL_SESSION_is_resumable(session); };
  expect_connected();
  EXPECT_EQ(sessions, tls13() ? 2 : 1);
  EXPECT_EQ(client->count(OPENSSL_STATUS_SESSION_NEW), sessions);
}

TEST_P(Answers, RemovedSessionsAreQueued) {
  SSL_CTX_set_options(pair.server_context.get(), SSL_OP_NO_TICKET);
  ask_server(OPENSSL_REMOVED_SESSIONS, nullptr);
  expect_connected();
  EXPECT_EQ(openssl_takeRemovedSession(pair.server_context.get()), nullptr);
  flush_sessions(pair.server_context.get());
  int removed = 0;
  while (SSL_SESSION* session = openssl_takeRemovedSession(pair.server_context.get())) {
    SSL_SESSION_free(session);
    removed++;
  }
  EXPECT_GE(removed, 1);
}

TEST_P(Answers, RemovedSessionsThatNobodyTakesGoWithTheContext) {
  SSL_CTX_set_options(pair.server_context.get(), SSL_OP_NO_TICKET);
  ask_server(OPENSSL_REMOVED_SESSIONS, nullptr);
  expect_connected();
}

TEST_P(Answers, UnknownBitsAreRefused) {
  EXPECT_EQ(openssl_setLookups(pair.server_context.get(), 1u << 20), 0);
  EXPECT_EQ(openssl_takeRemovedSession(pair.server_context.get()), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Versions, Answers, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION), version_name);

// ---- One version only ----

TEST(Tls12Tickets, AreRenewed) {
  LookupFixture fixture({TLS1_2_VERSION, OPENSSL_LOOKUP_TICKET_KEY, false, true});
  fixture.make();
  int made = 0;
  fixture.server->on_lookup = [&](OPENSSL_EVENT* e) {
    made += e->l.u.ticket->encrypts;
    EXPECT_EQ(e->l.u.ticket->key_name == nullptr, e->l.u.ticket->encrypts == 1);
    openssl_answerTicketKey(e, fixture.ticket_key, 1);
  };
  fixture.expect_effect();
  EXPECT_EQ(made, 1);
}

TEST(Tickets, OfAnotherKeyAreNotOpened) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    LookupFixture fixture({version, OPENSSL_LOOKUP_TICKET_KEY, false, true});
    fixture.make();
    fixture.ticket_key[0] ^= 1;
    fixture.server->on_lookup = [&](OPENSSL_EVENT* e) { fixture.answer(e); };
    carry(*fixture.client, *fixture.server);
    EXPECT_TRUE(fixture.client->established());
    EXPECT_FALSE(SSL_session_reused(fixture.client->ssl()));
  }
}

// SSL_new_session_ticket, long after the handshake: the read that comes by has to wait.
TEST(LateTicket, WaitsForItsKey) {
  LookupFixture fixture({TLS1_3_VERSION, OPENSSL_LOOKUP_TICKET_KEY, false, false});
  fixture.make();
  fixture.server->on_lookup = [&](OPENSSL_EVENT* e) { fixture.answer(e); };
  fixture.expect_effect();
  const int before = fixture.server->lookups_seen;
  fixture.server->keep_lookups = true;
  ASSERT_EQ(SSL_new_session_ticket(fixture.server->ssl()), 1);
  fixture.client->send("more");
  carry(*fixture.client, *fixture.server);
  EXPECT_EQ(fixture.server->lookups_seen, before + 1);
  ASSERT_EQ(fixture.server->lookups.size(), 1u);
  fixture.answer(fixture.server->lookups.front());
  openssl_returnEvent(fixture.server->lookups.front());
  fixture.server->lookups.clear();
  carry(*fixture.client, *fixture.server);
  EXPECT_EQ(fixture.server->received(), "pingmore");
}

TEST(HelloRetryRequest, AsksForTheSecondHelloToo) {
  Pair pair(TLS1_3_VERSION);
  SSL_CTX_set1_groups_list(pair.client_context.get(), "X25519:P-256");
  SSL_CTX_set1_groups_list(pair.server_context.get(), "P-256");
  ASSERT_EQ(openssl_setLookups(pair.server_context.get(), OPENSSL_LOOKUP_CLIENT_HELLO), 1);
  auto client = pair.machine_client();
  auto server = pair.machine_server();
  server->on_lookup = [](OPENSSL_EVENT* e) { openssl_answerAccept(e); };
  carry(*client, *server);
  EXPECT_TRUE(server->established());
  EXPECT_EQ(server->lookups_seen, 2);
}

// A miss alone would let the handshake of a freed connection go on to keys and signatures.
TEST(Cancelled, SessionLookupMakesNoSignature) {
  LookupFixture fixture({TLS1_3_VERSION, OPENSSL_LOOKUP_SESSION, false, true});
  fixture.make();
  const Key offloaded(openssl_offloadKey(shared_key(KeyType::kEcP256), nullptr, nullptr, 0));
  SSL_use_PrivateKey(fixture.server->ssl(), offloaded.get());
  fixture.server->keep_lookups = true;
  carry(*fixture.client, *fixture.server);
  ASSERT_EQ(fixture.server->lookups.size(), 1u);
  fixture.server->free_machine();
  EXPECT_EQ(fixture.server->calls_seen, 0);
}

}  // namespace
}  // namespace openssl_event::testing
