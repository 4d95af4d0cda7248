// A client and a server of one kind each, and the contexts they come from: the fixture of most tests.
#ifndef TESTS_SUPPORT_PAIR_H
#define TESTS_SUPPORT_PAIR_H

#include <gtest/gtest.h>

#include <memory>

#include "tests/support/contexts.h"
#include "tests/support/machine_end.h"
#include "tests/support/plain_end.h"

namespace openssl_event::testing {

class Pair {
 public:
  explicit Pair(int version = TLS1_3_VERSION, KeyType key = KeyType::kEcP256, bool offload = false,
                OSSL_LIB_CTX* library = nullptr)
      : server_context(make_server_context(version, key, offload, library)),
        client_context(make_client_context(version, key, library)) {}

  std::unique_ptr<MachineEnd> machine_client() { return std::make_unique<MachineEnd>(client_ssl()); }
  std::unique_ptr<MachineEnd> machine_server() { return std::make_unique<MachineEnd>(server_ssl()); }
  std::unique_ptr<PlainEnd> plain_client() { return std::make_unique<PlainEnd>(client_ssl()); }
  std::unique_ptr<PlainEnd> plain_server() { return std::make_unique<PlainEnd>(server_ssl()); }

  Ssl client_ssl() { return make_ssl(client_context.get(), Role::kClient); }
  Ssl server_ssl() { return make_ssl(server_context.get(), Role::kServer); }

  Context server_context;
  Context client_context;
};

// Tests that are run for both versions: TEST_P on a fixture that derives from this.
class BothVersions : public ::testing::TestWithParam<int> {
 protected:
  bool tls13() const { return GetParam() == TLS1_3_VERSION; }
};

inline std::string version_name(const ::testing::TestParamInfo<int>& info) {
  return info.param == TLS1_3_VERSION ? "Tls13" : "Tls12";
}

#define FOR_BOTH_VERSIONS(Fixture) \
  INSTANTIATE_TEST_SUITE_P(Versions, Fixture, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION), version_name)

}  // namespace openssl_event::testing

#endif
