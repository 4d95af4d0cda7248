// What a peer does wrong is answered as plain libssl answers it: with the same alert.
#include <openssl/err.h>

#include <cstring>
#include <functional>
#include <string>

#include "tests/openssl_event/interposed.h"

namespace openssl_event::testing {
namespace {

using Change = std::function<void(std::string& bytes)>;

// Brings what `from` says to `to`, changed.
void carry_changed(End& from, End& to, const Change& change) {
  from.work();
  std::string bytes = from.take_output();
  change(bytes);
  to.receive(bytes);
  to.work();
}

using Misbehave = std::function<void(MachineEnd& client, End& server)>;

class BadPeer : public ::testing::Test {
 protected:
  // The alert that the server has for the client, when `misbehave` happens between them.
  int alert_of(End& server, MachineEnd& client, const Misbehave& misbehave) {
    misbehave(client, server);
    carry(client, server);
    EXPECT_TRUE(client.failed());
    EXPECT_TRUE(server.failed());
    return client.failure() ? client.failure()->alert_received : -1;
  }
  // Of a client that misbehaves: to plain libssl, and to a machine of which everything is a call.
  void expect_same_alert(const Exchange& exchange, int alert, const Misbehave& misbehave) {
    Interposed interposed(exchange, library.get()), plain(exchange, nullptr);
    for (const Interposed* one : {&interposed, &plain})
      if (!client_signs) SSL_CTX_set_verify(one->pair.server_context.get(), SSL_VERIFY_NONE, nullptr);
    interposed.make_ends();
    const auto plain_server = plain.pair.plain_server();
    interposed.client = interposed.pair.machine_client();
    plain.client = interposed.pair.machine_client();
    EXPECT_EQ(alert_of(*plain_server, *plain.client, misbehave), alert);
    EXPECT_EQ(alert_of(*interposed.server, *interposed.client, misbehave), alert);
  }

  Library library = make_offload_library();
  bool client_signs = true;
};

Misbehave corrupts(int optype, const std::function<void(OPENSSL_ENGINE_CALL&)>& corrupt) {
  return [=](MachineEnd& client, End&) {
    client.on_call = [&client, optype, corrupt](OPENSSL_EVENT* e) {
      e->e.engine->call(e);
      if (e->e.optype == optype) corrupt(e->e);
      openssl_putEvent(client.tls(), e);
    };
  };
}

TEST_F(BadPeer, SignsWrongly) {
  const auto signs_wrongly = corrupts(OPENSSL_OPERATION_SIGN, [](OPENSSL_ENGINE_CALL& call) {
    call.u.s.signature[call.u.s.signature_len / 2] ^= 1;
  });
  for (const Exchange& exchange : kExchanges) expect_same_alert(exchange, SSL_AD_DECRYPT_ERROR, signs_wrongly);
}

// The bytes of a key share are changed on their way.
void expect_found(std::size_t at) { ASSERT_NE(at, std::string::npos); }

TEST_F(BadPeer, GivesAShareOfZeros) {
  for (const std::size_t size : {32u, 56u}) {
    const Exchange& exchange = kExchanges[size == 32 ? 0 : 1];
    const std::string header = size == 32 ? std::string("\x00\x1d\x00\x20", 4) : std::string("\x00\x1e\x00\x38", 4);
    expect_same_alert(exchange, SSL_AD_ILLEGAL_PARAMETER, [&](MachineEnd& client, End& server) {
      carry_changed(client, server, [&](std::string& bytes) {
        const std::size_t at = bytes.rfind(header);
        expect_found(at);
        bytes.replace(at + header.size(), size, size, '\0');
      });
    });
  }
}

TEST_F(BadPeer, GivesAPointThatIsNotOnTheCurve) {
  expect_same_alert(kExchanges[2], SSL_AD_ILLEGAL_PARAMETER, [](MachineEnd& client, End& server) {
    carry_changed(client, server, [](std::string& bytes) {
      const std::size_t at = bytes.rfind(std::string("\x00\x17\x00\x41\x04", 5));
      expect_found(at);
      bytes[at + 4 + 64] ^= 1;
    });
  });
}

// ffdhe2048: 1, 0 and p - 1 generate no group worth the name (RFC 7919 5.1).
TEST_F(BadPeer, GivesADhShareOfOne) {
  expect_same_alert(kExchanges[5], SSL_AD_ILLEGAL_PARAMETER, [](MachineEnd& client, End& server) {
    carry_changed(client, server, [](std::string& bytes) {
      const std::size_t at = bytes.rfind(std::string("\x01\x00\x01\x00", 4));
      expect_found(at);
      bytes.replace(at + 4, 256, std::string(255, '\0') + '\1');
    });
  });
}

// Wherever the ClientKeyExchange is changed, nothing tells what was wrong with it.
TEST_F(BadPeer, PadsThePremasterSecretWrongly) {
  client_signs = false;  // or its signature would tell first
  for (const std::size_t back : {1u, 100u, 255u}) {
    expect_same_alert(kExchanges[12], SSL_AD_BAD_RECORD_MAC, [back](MachineEnd& client, End& server) {
      carry_changed(client, server, [](std::string&) {});
      carry_changed(server, client, [](std::string&) {});
      carry_changed(client, server, [back](std::string& bytes) {
        // A handshake message of type 16 with 2 + 256 bytes.
        const std::size_t at = bytes.find(std::string("\x10\x00\x01\x02\x01\x00", 6));
        expect_found(at);
        bytes[at + 6 + 256 - back] ^= 1;
      });
    });
  }
}

// ---- The certificate chain ----

struct Chain {
  Key authority_key = make_key(KeyType::kEcP256);
  Certificate authority = make_certificate(authority_key.get(), "authority");
  Certificate leaf = make_certificate(shared_key(KeyType::kRsa), "localhost");

  // Signed by the authority, or by somebody else in its name.
  explicit Chain(bool is_genuine) {
    const Key other = make_key(KeyType::kEcP256);
    X509_set_issuer_name(leaf.get(), X509_get_subject_name(authority.get()));
    EXPECT_GT(X509_sign(leaf.get(), is_genuine ? authority_key.get() : other.get(), EVP_sha256()), 0);
  }
};

class BadChain : public BadPeer {
 protected:
  void use(Interposed& interposed, const Chain& chain) {
    SSL_CTX* server = interposed.pair.server_context.get();
    EXPECT_EQ(SSL_CTX_use_certificate(server, chain.leaf.get()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(server, shared_key(KeyType::kRsa)), 1);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(interposed.pair.client_context.get()), chain.authority.get());
    SSL_CTX_set_verify(server, SSL_VERIFY_NONE, nullptr);
    interposed.make_ends();
  }
};

TEST_F(BadChain, OfAGenuineOneEachSignatureIsACall) {
  const Chain chain(true);
  Interposed interposed(kExchanges[0], library.get());
  use(interposed, chain);
  int verifications = 0;
  MachineEnd& client = *interposed.client;
  client.on_call = [&](OPENSSL_EVENT* e) {
    verifications += e->e.optype == OPENSSL_OPERATION_VERIFY;
    e->e.engine->call(e);
    openssl_putEvent(client.tls(), e);
  };
  carry(client, *interposed.server);
  EXPECT_TRUE(client.established()) << (client.failure() ? client.failure()->text : "");
  EXPECT_EQ(verifications, 2);
}

TEST_F(BadChain, IsRefusedWithTheSameAlert) {
  const Chain chain(false);
  for (OSSL_LIB_CTX* side : {static_cast<OSSL_LIB_CTX*>(nullptr), library.get()}) {
    Interposed interposed(kExchanges[0], side);
    use(interposed, chain);
    carry(*interposed.client, *interposed.server);
    ASSERT_TRUE(interposed.server->failed());
    EXPECT_EQ(interposed.server->failure()->alert_received, SSL_AD_DECRYPT_ERROR);
    EXPECT_EQ(interposed.client->reason(), OPENSSL_REASON_VERIFY);
  }
}

// Neither the loss of the engine nor its silence makes a signature valid.
TEST_F(BadChain, IsNotTrustedWhenItCannotBeVerified) {
  const Chain chain(true);
  for (const bool fails : {true, false}) {
    Interposed interposed(kExchanges[0], library.get());
    use(interposed, chain);
    MachineEnd& client = *interposed.client;
    client.on_call = [&](OPENSSL_EVENT* e) {
      if (e->e.optype != OPENSSL_OPERATION_VERIFY)
        e->e.engine->call(e);
      else if (fails)
        openssl_failCall(e, "no");
      else
        openssl_completeCall(e);
      openssl_putEvent(client.tls(), e);
    };
    carry(client, *interposed.server);
    EXPECT_TRUE(client.failed());
    EXPECT_FALSE(interposed.server->established());
  }
}

}  // namespace
}  // namespace openssl_event::testing
