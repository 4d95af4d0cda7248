// Every n-th allocation of the library fails in turn: what fails then fails cleanly, and says that memory was lacking.
#include <openssl/err.h>

#include "tests/support/failing_new.h"
#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

class Allocation : public BothVersions {
 protected:
  ~Allocation() override { fail_allocation(0); }

  // Handshake with a call on each side, data both ways, a key update, close both ways, end. True: all of it worked.
  bool whole_life() {
    MachineEnd client(openssl_new(pair.client_ssl().get()));
    MachineEnd server(openssl_new(pair.server_ssl().get()));
    if (!client.tls() || !server.tls()) return clean_failure();
    carry(client, server);
    for (MachineEnd* end : {&client, &server}) end->send(std::string(20000, 'x'));
    if (tls13()) openssl_updateKey(client.tls(), 1);
    carry(client, server, 1000);
    for (MachineEnd* end : {&client, &server}) end->close_output();
    carry(client, server);
    client.receive("\x17\x03");
    while (!openssl_endInput(client.tls())) {
    }
    client.work();
    if (client.closed_in() && server.closed_in()) return client.received() == server.received();
    EXPECT_TRUE(client.failed() || server.failed());
    other_reasons += client.reason() != OPENSSL_REASON_NO_MEMORY && server.reason() != OPENSSL_REASON_NO_MEMORY;
    EXPECT_TRUE(!client.failed() || client.cleartext_returned == client.cleartext_put);
    return false;
  }
  static bool clean_failure() {
    EXPECT_EQ(ERR_GET_REASON(ERR_peek_last_error()), ERR_R_MALLOC_FAILURE);
    return false;
  }

  Pair pair{GetParam(), KeyType::kEcP256, true};
  int other_reasons = 0;
};

TEST_P(Allocation, EachOneMayFailInAWholeLife) {
  use_key(pair.client_context.get(), KeyType::kEcP256, true);
  trust(pair.server_context.get(), KeyType::kEcP256);
  demand_certificate(pair.server_context.get());
  ASSERT_TRUE(whole_life());
  int failures = 0;
  for (long n = 1;; ++n) {
    SCOPED_TRACE("allocation " + std::to_string(n));
    fail_allocation(n);
    failures += !whole_life();
    if (!allocation_failed()) break;
    ASSERT_LT(n, 10000);
  }
  EXPECT_GT(failures, 20);
  // libssl asks, once on each side of TLS 1.3, whether the key can sign, and takes a failure for a no.
  EXPECT_EQ(other_reasons, tls13() ? 2 : 0);
}

FOR_BOTH_VERSIONS(Allocation);

// A function that makes something returns NULL, with the reason, until all its allocations succeed.
template <typename Make>
void expect_clean_failures(Make make) {
  for (long n = 1; n < 1000; ++n) {
    ERR_clear_error();
    fail_allocation(n);
    const bool made = make();
    const bool failed = allocation_failed();
    fail_allocation(0);
    EXPECT_TRUE(made || ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE) << n;
    if (failed) continue;
    EXPECT_TRUE(made);
    return;
  }
}

TEST(MakingThings, FailsCleanly) {
  Pair pair;
  char memory[1];
  expect_clean_failures([] { return openssl_freeEvent(openssl_newCleartextInEvent("x", 1)); });
  expect_clean_failures([&] {
    OPENSSL_EVENT* e = openssl_wrapRecordInEvent(memory, 1, nullptr, nullptr);
    openssl_freeEvent(e);
    return e != nullptr;
  });
  expect_clean_failures([] {
    openssl_completions_t* q = openssl_newCompletions();
    openssl_freeCompletions(q);
    return q != nullptr;
  });
  expect_clean_failures([&] {
    openssl_t* tls = openssl_new(pair.client_ssl().get());
    openssl_free(tls);
    return tls != nullptr;
  });
}

TEST(MakingThings, OffloadKeyFailsCleanly) {
  for (long n = 1; n < 1000; ++n) {
    fail_allocation(n);
    const Key key(openssl_offloadKey(shared_key(KeyType::kEcP256), nullptr, nullptr, 0));
    const bool failed = allocation_failed();
    fail_allocation(0);
    EXPECT_TRUE(key || ERR_peek_error() != 0) << n;
    ERR_clear_error();
    if (!failed) break;
  }
}

// What was not taken may be offered again.
TEST(Framing, LosesNoBytesWithoutMemory) {
  for (long n = 1; n < 20; ++n) {
    Pair pair;
    auto client = pair.machine_client();
    auto server = pair.machine_server();
    client->work();
    const std::string hello = client->take_output();
    fail_allocation(n);
    for (const char& byte : hello) server->receive(std::string_view(&byte, 1));
    fail_allocation(0);
    carry(*client, *server);
    EXPECT_TRUE(client->established()) << n;
  }
}

}  // namespace
}  // namespace openssl_event::testing
