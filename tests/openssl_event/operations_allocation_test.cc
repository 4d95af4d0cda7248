// Every n-th allocation of the library fails in turn, in handshakes of which everything is a call: they succeed, or end in
// order, and nothing that must not be accepted is.
#include <functional>

#include "tests/openssl_event/interposed.h"
#include "tests/support/failing_new.h"

namespace openssl_event::testing {
namespace {

class OperationsAllocation : public ::testing::TestWithParam<Exchange> {
 protected:
  ~OperationsAllocation() override { fail_allocation(0); }

  // A handshake with new ends, in which the n-th allocation of this thread fails. False: it has not come to that.
  bool handshake(long n, const std::function<void(OPENSSL_EVENT*)>& execute) {
    fail_allocation(n);
    interposed.client = std::make_unique<MachineEnd>(openssl_new(interposed.pair.client_ssl().get()));
    interposed.server = std::make_unique<MachineEnd>(openssl_new(interposed.pair.server_ssl().get()));
    if (!interposed.client->tls() || !interposed.server->tls()) return allocation_failed();
    for (MachineEnd* end : {interposed.client.get(), interposed.server.get()})
      end->on_call = [&execute, end](OPENSSL_EVENT* e) {
        execute(e);
        openssl_putEvent(end->tls(), e);
      };
    carry(*interposed.client, *interposed.server);
    return allocation_failed();
  }
  bool established() const { return interposed.client->established() && interposed.server->established(); }
  bool failed() const { return interposed.client->failed() || interposed.server->failed(); }

  Library library = make_offload_library();
  Interposed interposed{GetParam(), library.get()};
};

TEST_P(OperationsAllocation, EachOneMayFail) {
  const auto execute = [](OPENSSL_EVENT* e) { e->e.engine->call(e); };
  int failures = 0;
  for (long n = 1; handshake(n, execute); ++n) {
    ASSERT_LT(n, 10000);
    if (!interposed.client->tls() || !interposed.server->tls()) continue;
    EXPECT_TRUE(established() || failed()) << "neither an end nor a handshake, allocation " << n;
    failures += failed();
  }
  EXPECT_TRUE(established());
  EXPECT_GT(failures, 10);
}

// The server signs wrongly, or with RSA key exchange the client does.
TEST_P(OperationsAllocation, NoneMakesAWrongSignatureGood) {
  const auto execute = [](OPENSSL_EVENT* e) {
    e->e.engine->call(e);
    if (e->e.optype == OPENSSL_OPERATION_SIGN && e->kind == OPENSSL_ENGINE_CALL_IN_KIND && e->e.err.code == 0)
      e->e.u.s.signature[e->e.u.s.signature_len / 2] ^= 1;
  };
  long n = 1;
  for (; handshake(n, execute); ++n) {
    ASSERT_LT(n, 10000);
    if (!interposed.client->tls() || !interposed.server->tls()) continue;
    EXPECT_FALSE(established()) << n;
  }
  EXPECT_TRUE(failed());
}

std::vector<Exchange> some_exchanges() {
  std::vector<Exchange> some = {kExchanges[0], kExchanges[2], kExchanges[5], kExchanges[7], kExchanges[12]};
  for (const Exchange& exchange : all_exchanges())
    if (is_encapsulation(exchange)) some.push_back(exchange);
  return some;
}
INSTANTIATE_TEST_SUITE_P(Exchanges, OperationsAllocation, ::testing::ValuesIn(some_exchanges()), exchange_name);

}  // namespace
}  // namespace openssl_event::testing
