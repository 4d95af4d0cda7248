// Each question, answered now, later, by another thread, by a failure, not at all, or when nobody wants the answer any
// more.
#include <openssl/err.h>

#include "tests/openssl_event/lookup_fixture.h"

namespace openssl_event::testing {
namespace {

class Lookups : public ::testing::TestWithParam<LookupCase> {
 protected:
  Lookups() : fixture(GetParam()) { fixture.make(); }

  MachineEnd& asking() { return fixture.asking(); }
  MachineEnd& other() { return GetParam().of_client ? *fixture.server : *fixture.client; }
  // Goes on until the question is out, and kept.
  OPENSSL_EVENT* wait_for_question() {
    asking().keep_lookups = true;
    carry(*fixture.client, *fixture.server);
    return asking().lookups.empty() ? nullptr : asking().lookups.front();
  }
  void give_back() {
    OPENSSL_EVENT* e = asking().lookups.front();
    asking().lookups.clear();
    EXPECT_EQ(openssl_returnEvent(e), 1);
  }
  void expect_failed_closed() {
    carry(*fixture.client, *fixture.server);
    EXPECT_EQ(asking().reason(), OPENSSL_REASON_LOOKUP_FAILED);
    EXPECT_FALSE(asking().established());
    EXPECT_TRUE(other().failed());
    EXPECT_GE(asking().failure()->alert_sent, 0);
  }
  // What becomes of the handshake without an answer.
  void expect_without_answer() {
    if (fixture.is_required()) return expect_failed_closed();
    carry(*fixture.client, *fixture.server);
    EXPECT_TRUE(fixture.client->established() && fixture.server->established());
  }

  LookupFixture fixture;
};

TEST_P(Lookups, AnsweredNow) {
  asking().on_lookup = [&](OPENSSL_EVENT* e) { fixture.answer(e); };
  fixture.expect_effect();
  EXPECT_GE(asking().lookups_seen, 1);
}

TEST_P(Lookups, AnsweredLater) {
  while (OPENSSL_EVENT* e = wait_for_question()) {
    EXPECT_EQ(openssl_wants(asking().tls()), static_cast<unsigned>(OPENSSL_WANTS_REPLY));
    EXPECT_EQ(openssl_getEvent(asking().tls()), nullptr);
    EXPECT_EQ(e->kind, OPENSSL_LOOKUP_OUT_KIND);
    fixture.answer(e);
    EXPECT_EQ(e->kind, OPENSSL_LOOKUP_IN_KIND);
    give_back();
  }
  fixture.expect_effect();
}

TEST_P(Lookups, AnsweredByAnotherThread) {
  asking().on_lookup = [&](OPENSSL_EVENT* e) { std::thread([&] { fixture.answer(e); }).join(); };
  fixture.expect_effect();
}

TEST_P(Lookups, GoesOnInAnotherThread) {
  while (OPENSSL_EVENT* e = wait_for_question()) {
    std::thread([&] {
      fixture.answer(e);
      give_back();
      asking().work();
    }).join();
  }
  fixture.expect_effect();
}

TEST_P(Lookups, Failed) {
  asking().on_lookup = [](OPENSSL_EVENT* e) { openssl_failLookup(e, "the store is gone"); };
  expect_without_answer();
  if (fixture.is_required()) {
    EXPECT_NE(asking().failure()->text.find("the store is gone"), std::string::npos);
  }
}

TEST_P(Lookups, Unanswered) {
  asking().on_lookup = [](OPENSSL_EVENT*) {};
  expect_without_answer();
}

TEST_P(Lookups, CancelledIsAnsweredAllTheSame) {
  OPENSSL_EVENT* e = wait_for_question();
  ASSERT_NE(e, nullptr);
  asking().take_output();
  asking().lookups.clear();
  asking().free_machine();
  EXPECT_TRUE(openssl_isCancelled(e));
  EXPECT_EQ(openssl_owner(e), nullptr);
  std::thread([&] {
    fixture.answer(e);
    EXPECT_EQ(openssl_returnEvent(e), 1);
  }).join();
}

TEST_P(Lookups, CancelledIsDropped) {
  ASSERT_NE(wait_for_question(), nullptr);
  asking().free_machine();
  give_back();
}

TEST_P(Lookups, CancelledWithTheAnswerBack) {
  OPENSSL_EVENT* e = wait_for_question();
  ASSERT_NE(e, nullptr);
  fixture.answer(e);
  give_back();
  asking().free_machine();
}

TEST_P(Lookups, IsDescribedWithoutContents) {
  OPENSSL_EVENT* e = wait_for_question();
  ASSERT_NE(e, nullptr);
  char text[200];
  const std::string name = openssl_lookupName(static_cast<int>(GetParam().question));
  EXPECT_EQ(std::string(openssl_describe(e, text, sizeof text)).find("LOOKUP_OUT " + name), 0u);
  fixture.answer(e);
  const std::string answered = openssl_describe(e, text, sizeof text);
  EXPECT_EQ(answered.find("LOOKUP_IN " + name), 0u);
  EXPECT_NE(answered.find(", a"), std::string::npos);  // answered, accepted
  give_back();
}

std::vector<LookupCase> cases() {
  std::vector<LookupCase> all;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const unsigned question :
         {OPENSSL_LOOKUP_CLIENT_HELLO, OPENSSL_LOOKUP_CERTIFICATE, OPENSSL_LOOKUP_ALPN, OPENSSL_LOOKUP_TICKET_KEY})
      for (const bool resumed : {false, true}) all.push_back({version, question, false, resumed});
    all.push_back({version, OPENSSL_LOOKUP_SESSION, false, true});
    for (const unsigned question : {OPENSSL_LOOKUP_PSK, OPENSSL_LOOKUP_VERIFY})
      for (const bool of_client : {false, true}) all.push_back({version, question, of_client, false});
    all.push_back({version, OPENSSL_LOOKUP_STAPLE, false, false});
    all.push_back({version, OPENSSL_LOOKUP_STAPLE_RECEIVED, true, false});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Questions, Lookups, ::testing::ValuesIn(cases()), lookup_case_name);

}  // namespace
}  // namespace openssl_event::testing
