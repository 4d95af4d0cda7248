// Lookups without memory, and lookups misused.
#include <openssl/err.h>

#include "tests/openssl_event/lookup_fixture.h"
#include "tests/support/failing_new.h"

namespace openssl_event::testing {
namespace {

class WithoutMemory : public ::testing::TestWithParam<LookupCase> {
 protected:
  ~WithoutMemory() override { fail_allocation(0); }
};

// Each allocation of the handshake fails in turn: it finishes all the same, or ends on both sides; nobody gets in
// unasked.
TEST_P(WithoutMemory, TheHandshakeEndsOrGoesOn) {
  LookupFixture fixture(GetParam());
  for (long n = 1; n < 1000; ++n) {
    SCOPED_TRACE("allocation " + std::to_string(n));
    fixture.make();
    int answered = 0;
    fixture.asking().on_lookup = [&](OPENSSL_EVENT* e) {
      fixture.answer(e);
      answered += e->kind == OPENSSL_LOOKUP_IN_KIND;
    };
    fail_allocation(n);
    carry(*fixture.client, *fixture.server);
    const bool failed = allocation_failed();
    fail_allocation(0);
    MachineEnd& asking = fixture.asking();
    const bool ended = fixture.client->failed() || fixture.server->failed();
    EXPECT_NE(fixture.client->established() && fixture.server->established() && !ended, ended);
    if (fixture.is_required() && asking.established()) {
      EXPECT_GT(answered, 0);
    }
    if (!failed) {
      EXPECT_TRUE(asking.established());
      return;
    }
  }
  FAIL() << "there is always another allocation";
}

INSTANTIATE_TEST_SUITE_P(Questions, WithoutMemory,
                         ::testing::Values(LookupCase{TLS1_2_VERSION, OPENSSL_LOOKUP_CLIENT_HELLO, false, false},
                                           LookupCase{TLS1_3_VERSION, OPENSSL_LOOKUP_CLIENT_HELLO, false, false},
                                           LookupCase{TLS1_3_VERSION, OPENSSL_LOOKUP_CERTIFICATE, false, false},
                                           LookupCase{TLS1_3_VERSION, OPENSSL_LOOKUP_ALPN, false, false},
                                           LookupCase{TLS1_2_VERSION, OPENSSL_LOOKUP_SESSION, false, true},
                                           LookupCase{TLS1_3_VERSION, OPENSSL_LOOKUP_SESSION, false, true},
                                           LookupCase{TLS1_2_VERSION, OPENSSL_LOOKUP_TICKET_KEY, false, true},
                                           LookupCase{TLS1_3_VERSION, OPENSSL_LOOKUP_TICKET_KEY, false, true},
                                           LookupCase{TLS1_2_VERSION, OPENSSL_LOOKUP_PSK, false, false},
                                           LookupCase{TLS1_3_VERSION, OPENSSL_LOOKUP_PSK, true, false},
                                           LookupCase{TLS1_3_VERSION, OPENSSL_LOOKUP_STAPLE, false, false},
                                           LookupCase{TLS1_3_VERSION, OPENSSL_LOOKUP_STAPLE_RECEIVED, true, false},
                                           LookupCase{TLS1_2_VERSION, OPENSSL_LOOKUP_VERIFY, false, false},
                                           LookupCase{TLS1_3_VERSION, OPENSSL_LOOKUP_VERIFY, true, false}),
                         lookup_case_name);

class LookupMisuseDeathTest : public ::testing::Test {
 protected:
  LookupMisuseDeathTest() {
    fixture.make();
    fixture.server->keep_lookups = true;
    carry(*fixture.client, *fixture.server);
    question = fixture.server->lookups.front();
  }
  LookupFixture fixture{{TLS1_3_VERSION, OPENSSL_LOOKUP_ALPN, false, false}};
  OPENSSL_EVENT* question;
};

TEST_F(LookupMisuseDeathTest, AnsweringTwice) {
  EXPECT_DEATH(
      {
        openssl_answerNone(question);
        openssl_answerNone(question);
      },
      "has been answered already");
}

TEST_F(LookupMisuseDeathTest, AnsweringAnotherQuestion) {
  EXPECT_DEATH(openssl_answerAccept(question), "no answer to the question");
  EXPECT_DEATH(openssl_answerSession(question, nullptr), "no answer to the question");
  EXPECT_DEATH(openssl_verifyChain(question), "no answer to the question");
}

TEST_F(LookupMisuseDeathTest, AnsweringWhatHasGoneHome) {
  openssl_answerNone(question);
  openssl_putEvent(fixture.server->tls(), question);
  fixture.server->lookups.clear();
  EXPECT_DEATH(openssl_answerDefault(question), "the machine holds this event");
}

TEST_F(LookupMisuseDeathTest, AnsweringWhatIsNoLookup) {
  OPENSSL_EVENT* e = openssl_newCleartextInEvent("x", 1);
  EXPECT_DEATH(openssl_failLookup(e, "no"), "no LOOKUP_OUT");
  EXPECT_DEATH(openssl_completeCall(question), "no ENGINE_CALL_OUT");
  openssl_freeEvent(e);
}

}  // namespace
}  // namespace openssl_event::testing
