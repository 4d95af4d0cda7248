// Connections of which one end asks one question, which is answered well, or as a test wants it.
#ifndef TESTS_OPENSSL_EVENT_LOOKUP_FIXTURE_H
#define TESTS_OPENSSL_EVENT_LOOKUP_FIXTURE_H

#include <map>
#include <memory>
#include <string>
#include <thread>

#include "tests/support/pair.h"

namespace openssl_event::testing {

struct LookupCase {
  int version;
  unsigned question;
  bool of_client;
  bool resumed;
};

inline std::string lookup_case_name(const ::testing::TestParamInfo<LookupCase>& info) {
  std::string name = openssl_lookupName(static_cast<int>(info.param.question));
  std::erase(name, '_');
  return name + (info.param.of_client ? "Client" : "Server") +
         (info.param.version == TLS1_3_VERSION ? "Tls13" : "Tls12") + (info.param.resumed ? "Resumed" : "Full");
}

// A store of sessions in serialized form, as another server would have it.
class SessionStore {
 public:
  void put(SSL_SESSION* session) {
    unsigned id_len = 0;
    const unsigned char* id = SSL_SESSION_get_id(session, &id_len);
    std::string der(static_cast<std::size_t>(i2d_SSL_SESSION(session, nullptr)), '\0');
    auto* to = reinterpret_cast<unsigned char*>(der.data());
    i2d_SSL_SESSION(session, &to);
    sessions_[std::string(reinterpret_cast<const char*>(id), id_len)] = der;
  }
  void answer(OPENSSL_EVENT* e) const {
    const OPENSSL_SESSION_LOOKUP& wanted = *e->l.u.session;
    const auto found = sessions_.find(std::string(reinterpret_cast<const char*>(wanted.id), wanted.id_len));
    if (found == sessions_.end()) {
      openssl_answerNone(e);
      return;
    }
    const auto* from = reinterpret_cast<const unsigned char*>(found->second.data());
    SSL_SESSION* session = d2i_SSL_SESSION(nullptr, &from, static_cast<long>(found->second.size()));
    openssl_answerSession(e, session);
    SSL_SESSION_free(session);
  }
  std::size_t size() const { return sessions_.size(); }

 private:
  std::map<std::string, std::string> sessions_;
};

class LookupFixture {
 public:
  static constexpr KeyType kOther = KeyType::kRsa;  // of the certificate that is looked up
  static constexpr unsigned char kStaple[] = {0x30, 3, 0x0a, 1, 3};  // an OCSPResponse: tryLater (RFC 6960 4.2.1)
  static constexpr char kIdentity[] = "a client";
  static constexpr unsigned char kPsk[32] = {1, 2, 3};

  explicit LookupFixture(const LookupCase& asked) : test(asked), pair(asked.version) {
    prepare();
    SSL_CTX* asking = (test.of_client ? pair.client_context : pair.server_context).get();
    openssl_setLookups(asking, test.question | (test.question == OPENSSL_LOOKUP_SESSION ? OPENSSL_NEW_SESSIONS : 0));
    for (std::size_t i = 0; i < sizeof ticket_key; ++i) ticket_key[i] = static_cast<unsigned char>(i);
  }

  MachineEnd& asking() { return test.of_client ? *client : *server; }
  bool is_required() const {
    return test.question &
           (OPENSSL_LOOKUP_CLIENT_HELLO | OPENSSL_LOOKUP_PSK | OPENSSL_LOOKUP_STAPLE_RECEIVED | OPENSSL_LOOKUP_VERIFY);
  }

  // Two new ends; if the case says so, about to resume a session that a connection with good answers made.
  void make() {
    make_ends();
    if (!test.resumed) return;
    asking().on_lookup = [this](OPENSSL_EVENT* e) { answer(e); };
    server->on_session = [this](SSL_SESSION* session) { store.put(session); };
    connect_and_close();
    SSL_SESSION* session = SSL_get1_session(client->ssl());
    make_ends();
    SSL_set_session(client->ssl(), session);
    SSL_SESSION_free(session);
  }

  // The answer with which a handshake succeeds. On any thread.
  void answer(OPENSSL_EVENT* e) {
    switch (static_cast<unsigned>(e->l.question)) {
      case OPENSSL_LOOKUP_CLIENT_HELLO:
      case OPENSSL_LOOKUP_STAPLE_RECEIVED:
        openssl_answerAccept(e);
        break;
      case OPENSSL_LOOKUP_CERTIFICATE:
        openssl_answerCertificate(e, shared_certificate(kOther), nullptr, shared_key(kOther));
        break;
      case OPENSSL_LOOKUP_ALPN:
        openssl_answerAlpn(e, reinterpret_cast<const unsigned char*>("http/1.1"), 8);
        break;
      case OPENSSL_LOOKUP_SESSION:
        store.answer(e);
        break;
      case OPENSSL_LOOKUP_TICKET_KEY:
        openssl_answerTicketKey(e, ticket_key, 0);
        break;
      case OPENSSL_LOOKUP_PSK:
        openssl_answerPsk(e, e->l.u.psk->is_server ? nullptr : kIdentity, kPsk, sizeof kPsk);
        break;
      case OPENSSL_LOOKUP_STAPLE:
        openssl_answerStaple(e, kStaple, sizeof kStaple);
        break;
      case OPENSSL_LOOKUP_VERIFY:
        openssl_verifyChain(e);
        break;
      default:
        ADD_FAILURE() << "question " << e->l.question;
    }
  }

  // That the good answer has had its effect.
  void expect_effect() {
    carry(*client, *server);
    ASSERT_TRUE(client->established()) << (client->failure() ? client->failure()->text : "");
    ASSERT_TRUE(server->established()) << (server->failure() ? server->failure()->text : "");
    EXPECT_EQ(SSL_session_reused(client->ssl()), test.resumed || (is_psk() && test.version == TLS1_3_VERSION));
    expect_effect_of_answer();
    client->send("ping");
    server->send("pong");
    carry(*client, *server);
    EXPECT_EQ(server->received(), "ping");
    EXPECT_EQ(client->received(), "pong");
  }

  void connect_and_close() {
    carry(*client, *server);
    client->close_output();
    server->close_output();
    carry(*client, *server);
  }

  const LookupCase test;
  Pair pair;
  std::unique_ptr<MachineEnd> client, server;
  SessionStore store;
  unsigned char ticket_key[OPENSSL_TICKET_KEY_SIZE];

 private:
  bool is_psk() const { return test.question == OPENSSL_LOOKUP_PSK; }

  void make_ends() {
    Ssl ssl = pair.client_ssl();
    if (test.question == OPENSSL_LOOKUP_ALPN)
      SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>("\2h2\10http/1.1"), 12);
    if (test.question & (OPENSSL_LOOKUP_STAPLE | OPENSSL_LOOKUP_STAPLE_RECEIVED))
      SSL_set_tlsext_status_type(ssl.get(), TLSEXT_STATUSTYPE_ocsp);
    client = std::make_unique<MachineEnd>(std::move(ssl));
    server = pair.machine_server();
  }

  void prepare() {
    SSL_CTX* server_context = pair.server_context.get();
    SSL_CTX* client_context = pair.client_context.get();
    switch (test.question) {
      case OPENSSL_LOOKUP_CERTIFICATE:
        trust(client_context, kOther);
        break;
      case OPENSSL_LOOKUP_SESSION:
        SSL_CTX_set_options(server_context, SSL_OP_NO_TICKET);
        SSL_CTX_set_session_cache_mode(server_context, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
        break;
      case OPENSSL_LOOKUP_PSK:
        prepare_psk(server_context, client_context);
        break;
      case OPENSSL_LOOKUP_STAPLE:
        use_issued_certificate(server_context, client_context);
        break;
      case OPENSSL_LOOKUP_STAPLE_RECEIVED:
        use_issued_certificate(server_context, client_context);
        SSL_CTX_set_tlsext_status_cb(
            server_context, +[](SSL* ssl, void*) {
              SSL_set_tlsext_status_ocsp_resp(ssl, OPENSSL_memdup(kStaple, sizeof kStaple), sizeof kStaple);
              return SSL_TLSEXT_ERR_OK;
            });
        break;
      case OPENSSL_LOOKUP_VERIFY:
        use_key(client_context, KeyType::kEcP256, false);
        trust(server_context, KeyType::kEcP256);
        if (!test.of_client) demand_certificate(server_context);
        break;
      default:
        break;
    }
  }

  // OpenSSL 4.0 staples nothing to a self-signed one.
  static void use_issued_certificate(SSL_CTX* server_context, SSL_CTX* client_context) {
    const Certificate authority = make_certificate(shared_key(kOther), "authority");
    const Certificate leaf = make_certificate(shared_key(KeyType::kEcP256));
    X509_set_issuer_name(leaf.get(), X509_get_subject_name(authority.get()));
    X509_sign(leaf.get(), shared_key(kOther), EVP_sha256());
    SSL_CTX_use_certificate(server_context, leaf.get());
    X509_STORE_add_cert(SSL_CTX_get_cert_store(client_context), authority.get());
  }

  // The other end knows the key by the application's own callback.
  void prepare_psk(SSL_CTX* server_context, SSL_CTX* client_context) {
    if (test.version == TLS1_2_VERSION) {
      SSL_CTX_set_cipher_list(server_context, "PSK+AESGCM");
      SSL_CTX_set_cipher_list(client_context, "PSK+AESGCM");
    }
    SSL_CTX_set_options(server_context, SSL_OP_NO_TICKET);
    SSL_CTX_set_ciphersuites(client_context, "TLS_AES_128_GCM_SHA256");
    SSL_CTX_set_psk_server_callback(server_context, [](SSL*, const char*, unsigned char* psk, unsigned) {
      std::copy(kPsk, kPsk + sizeof kPsk, psk);
      return static_cast<unsigned>(sizeof kPsk);
    });
    SSL_CTX_set_psk_client_callback(client_context,
                                    [](SSL*, const char*, char* identity, unsigned, unsigned char* psk, unsigned) {
                                      std::copy(kIdentity, kIdentity + sizeof kIdentity, identity);
                                      std::copy(kPsk, kPsk + sizeof kPsk, psk);
                                      return static_cast<unsigned>(sizeof kPsk);
                                    });
  }

  void expect_effect_of_answer() {
    const unsigned char* text = nullptr;
    unsigned size = 0;
    switch (test.question) {
      case OPENSSL_LOOKUP_CERTIFICATE:
        EXPECT_EQ(test.resumed || X509_cmp(SSL_get0_peer_certificate(client->ssl()), shared_certificate(kOther)) == 0,
                  true);
        break;
      case OPENSSL_LOOKUP_ALPN:
        SSL_get0_alpn_selected(client->ssl(), &text, &size);
        EXPECT_EQ(std::string(reinterpret_cast<const char*>(text), size), "http/1.1");
        break;
      case OPENSSL_LOOKUP_STAPLE:
        EXPECT_EQ(SSL_get_tlsext_status_ocsp_resp(client->ssl(), &text), static_cast<long>(sizeof kStaple));
        break;
      case OPENSSL_LOOKUP_VERIFY:
        EXPECT_EQ(SSL_get_verify_result(asking().ssl()), X509_V_OK);
        EXPECT_NE(SSL_get0_verified_chain(asking().ssl()), nullptr);
        break;
      default:
        break;
    }
  }
};

}  // namespace openssl_event::testing

#endif
