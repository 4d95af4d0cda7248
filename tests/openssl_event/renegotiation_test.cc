// TLS 1.2 renegotiation: refused by default as plain libssl refuses it, and on request as plain libssl does it.
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

enum class Kind { kPlain, kMachine };

struct Case {
  Role subject;    // the machine's, which is compared with a plain end of that role
  bool initiates;  // the subject does
};

std::string name_of(const ::testing::TestParamInfo<Case>& info) {
  return std::string(info.param.subject == Role::kServer ? "Server" : "Client") +
         (info.param.initiates ? "Initiates" : "IsAsked");
}

// The subject is a machine or, for comparison, plain; the peer is plain.
class Renegotiation : public ::testing::TestWithParam<Case> {
 protected:
  Renegotiation() { SSL_CTX_set_options(pair.server_context.get(), SSL_OP_ALLOW_CLIENT_RENEGOTIATION); }

  void make(Kind kind, bool allow) {
    const bool server = GetParam().subject == Role::kServer;
    Ssl ssl = server ? pair.server_ssl() : pair.client_ssl();
    if (kind == Kind::kMachine) {
      auto machine = std::make_unique<MachineEnd>(std::move(ssl));
      openssl_allowRenegotiation(machine->tls(), allow);
      subject_machine = machine.get();
      subject = std::move(machine);
    } else {
      if (!allow) SSL_set_options(ssl.get(), SSL_OP_NO_RENEGOTIATION);
      subject = std::make_unique<PlainEnd>(std::move(ssl));
    }
    peer = std::make_unique<PlainEnd>(server ? pair.client_ssl() : pair.server_ssl());
    carry(*subject, *peer);
  }
  End& initiator() { return GetParam().initiates ? *subject : *peer; }

  // Both have data under way when it begins, and send more while it goes on.
  std::string run_with_data_in_flight(Kind kind, bool allow, std::size_t chunk = SIZE_MAX) {
    make(kind, allow);
    for (int i = 0; i < 3; ++i) {
      subject->send("a" + std::to_string(i));
      peer->send("b" + std::to_string(i));
    }
    subject->work();
    peer->work();
    initiator().renegotiate();
    subject->work();
    peer->work();
    subject->send("A");
    peer->send("B");
    carry(*subject, *peer, chunk);
    return outcome();
  }
  std::string run_idle(Kind kind, bool allow) {
    make(kind, allow);
    initiator().renegotiate();
    carry(*subject, *peer);
    subject->send("A");
    peer->send("B");
    carry(*subject, *peer);
    return outcome();
  }
  std::string outcome() const {
    const auto of = [](const End& end) {
      return end.received() + (end.failed() ? " failed " + std::to_string(ERR_GET_REASON(end.error())) : "");
    };
    return of(*subject) + " / " + of(*peer);
  }

  Pair pair{TLS1_2_VERSION};
  std::unique_ptr<End> subject;
  std::unique_ptr<PlainEnd> peer;
  MachineEnd* subject_machine = nullptr;
};

TEST_P(Renegotiation, IdleConnectionDoesWhatPlainDoes) {
  EXPECT_EQ(run_idle(Kind::kMachine, true), run_idle(Kind::kPlain, true));
  EXPECT_EQ(outcome(), "B / A");
}

TEST_P(Renegotiation, DataInFlightArrivesAsWithPlain) {
  const std::string plain = run_with_data_in_flight(Kind::kPlain, true);
  EXPECT_EQ(plain, "b0b1b2B / a0a1a2A");
  for (const std::size_t chunk : {SIZE_MAX, std::size_t{1}, std::size_t{50}})
    EXPECT_EQ(run_with_data_in_flight(Kind::kMachine, true, chunk), plain) << "chunks of " << chunk;
}

TEST_P(Renegotiation, EndsWithAnotherHandshakeDone) {
  make(Kind::kMachine, true);
  initiator().renegotiate();
  carry(*subject, *peer);
  EXPECT_EQ(subject_machine->count(OPENSSL_STATUS_HANDSHAKE_DONE), 2);
  EXPECT_EQ(openssl_wants(subject_machine->tls()),
            static_cast<unsigned>(OPENSSL_WANTS_RECORD | OPENSSL_WANTS_CLEARTEXT));
}

TEST_P(Renegotiation, CanBeRepeated) {
  make(Kind::kMachine, true);
  for (int i = 0; i < 3; ++i) {
    initiator().renegotiate();
    carry(*subject, *peer);
  }
  EXPECT_EQ(subject_machine->count(OPENSSL_STATUS_HANDSHAKE_DONE), 4);
}

TEST_P(Renegotiation, WorksWithAllWindowsOne) {
  make(Kind::kMachine, true);
  openssl_setWindow(subject_machine->tls(), 1, 1);
  peer->send("one");
  peer->send("two");
  initiator().renegotiate();
  subject->send("A");
  carry(*subject, *peer);
  EXPECT_EQ(outcome(), "onetwo / A");
  EXPECT_EQ(subject_machine->count(OPENSSL_STATUS_HANDSHAKE_DONE), 2);
}

TEST_P(Renegotiation, CleartextWaitsForItsEnd) {
  if (!GetParam().initiates) return;  // as the last test but one shows
  make(Kind::kMachine, true);
  subject->send("before");
  subject->renegotiate();
  subject->send("after");
  subject->work();
  EXPECT_EQ(subject_machine->cleartext_returned, 1);
  EXPECT_FALSE(openssl_wants(subject_machine->tls()) & OPENSSL_WANTS_CLEARTEXT);
  carry(*subject, *peer);
  EXPECT_EQ(subject_machine->cleartext_returned, 2);
  EXPECT_EQ(peer->received(), "beforeafter");
}

TEST_P(Renegotiation, CloseOutputWaitsForItsEnd) {
  make(Kind::kMachine, true);
  initiator().renegotiate();
  subject->work();
  peer->work();
  subject->close_output();
  carry(*subject, *peer);
  EXPECT_FALSE(subject->failed());
  EXPECT_TRUE(peer->closed_in());
  EXPECT_EQ(subject_machine->count(OPENSSL_STATUS_OUTPUT_CLOSED), 1);
}

TEST_P(Renegotiation, IsRefusedByDefaultAsByPlain) {
  if (GetParam().initiates) {
    make(Kind::kMachine, false);
    EXPECT_EQ(openssl_renegotiate(subject_machine->tls()), 0);
    return;
  }
  EXPECT_EQ(run_idle(Kind::kMachine, false), run_idle(Kind::kPlain, false));
  EXPECT_EQ(run_with_data_in_flight(Kind::kMachine, false), run_with_data_in_flight(Kind::kPlain, false));
}

TEST_P(Renegotiation, IsRefusedIfTheSslsOwnOptionsForbidIt) {
  SSL_CTX_set_options(GetParam().subject == Role::kServer ? pair.server_context.get() : pair.client_context.get(),
                      SSL_OP_NO_RENEGOTIATION);
  make(Kind::kMachine, true);
  EXPECT_EQ(openssl_renegotiate(subject_machine->tls()), 0);
}

// A suspended signature inside a read step.
TEST_P(Renegotiation, SuspendsAsTheFirstHandshakeDoes) {
  if (GetParam().subject == Role::kServer) use_key(pair.server_context.get(), KeyType::kEcP256, true);
  make(Kind::kMachine, true);
  SSL_set_options(GetParam().subject == Role::kServer ? subject->ssl() : peer->ssl(),
                  SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION);
  subject_machine->keep_calls = true;
  peer->send("meanwhile");
  initiator().renegotiate();
  carry(*subject, *peer);
  if (GetParam().subject == Role::kServer) {
    ASSERT_EQ(subject_machine->calls.size(), 1u);
    subject_machine->execute_and_return_calls();
    carry(*subject, *peer);
  }
  EXPECT_EQ(subject_machine->count(OPENSSL_STATUS_HANDSHAKE_DONE), 2);
  EXPECT_EQ(subject->received(), "meanwhile");
}

TEST_P(Renegotiation, FreeWhileItsCallIsOut) {
  use_key(pair.server_context.get(), KeyType::kEcP256, true);
  make(Kind::kMachine, true);
  SSL_set_options(subject->ssl(), SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION);
  subject_machine->keep_calls = true;
  initiator().renegotiate();
  carry(*subject, *peer);
  EXPECT_EQ(subject_machine->calls.size(), GetParam().subject == Role::kServer ? 1u : 0u);
  subject_machine->free_machine();
}

TEST_P(Renegotiation, RetryOfACallbackTakesATurn) {
  if (GetParam().subject != Role::kServer) return;  // the client's callback is called when a certificate is demanded
  make(Kind::kMachine, true);
  static int calls;
  calls = 0;
  SSL_set_options(subject->ssl(), SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION);
  SSL_set_cert_cb(
      subject->ssl(), [](SSL*, void*) { return ++calls < 3 ? -1 : 1; }, nullptr);
  initiator().renegotiate();
  carry(*subject, *peer);
  while (calls < 3) {
    ASSERT_EQ(openssl_wants(subject_machine->tls()), static_cast<unsigned>(OPENSSL_WANTS_TURN));
    subject->work();
  }
  carry(*subject, *peer);
  EXPECT_EQ(subject_machine->count(OPENSSL_STATUS_HANDSHAKE_DONE), 2);
}

INSTANTIATE_TEST_SUITE_P(Roles, Renegotiation,
                         ::testing::Values(Case{Role::kClient, true}, Case{Role::kClient, false},
                                           Case{Role::kServer, true}, Case{Role::kServer, false}),
                         name_of);

TEST(RenegotiationTls13, IsRefused) {
  Pair pair;
  auto client = pair.machine_client();
  auto server = pair.machine_server();
  openssl_allowRenegotiation(client->tls(), 1);
  EXPECT_EQ(openssl_renegotiate(client->tls()), 0);
  carry(*client, *server);
  EXPECT_EQ(openssl_renegotiate(client->tls()), 0);
  EXPECT_FALSE(client->failed());
}

}  // namespace
}  // namespace openssl_event::testing
