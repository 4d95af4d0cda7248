// A machine on the record path and a plain libssl peer, of every version, suite and role.
#ifndef TESTS_RECORD_PATH_PATH_FIXTURE_H
#define TESTS_RECORD_PATH_PATH_FIXTURE_H

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "openssl_event/openssl_event.h"
#include "tests/support/pair.h"

namespace openssl_event::testing {

struct Variant {
  int version;
  const char* suite;  // as libssl calls it
  Role machine;
  bool without_ssl = false;  // the machine frees its SSL when both directions have been taken over
};

inline std::string variant_name(const ::testing::TestParamInfo<Variant>& info) {
  std::string name = info.param.suite;
  std::erase_if(name, [](char c) { return c == '-' || c == '_'; });
  return name + (info.param.machine == Role::kServer ? "Server" : "Client") +
         (info.param.without_ssl ? "WithoutSsl" : "");
}

inline const std::vector<Variant>& tls13_variants() {
  static const std::vector<Variant> all = {{TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", Role::kServer},
                                           {TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", Role::kClient},
                                           {TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384", Role::kServer},
                                           {TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384", Role::kClient},
                                           {TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256", Role::kServer},
                                           {TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256", Role::kClient}};
  return all;
}

inline const std::vector<Variant>& tls12_variants() {
  static const std::vector<Variant> all = {{TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", Role::kServer},
                                           {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", Role::kClient},
                                           {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384", Role::kServer},
                                           {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384", Role::kClient},
                                           {TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", Role::kServer},
                                           {TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", Role::kClient}};
  return all;
}

inline std::vector<Variant> all_variants() {
  std::vector<Variant> all = tls13_variants();
  all.insert(all.end(), tls12_variants().begin(), tls12_variants().end());
  return all;
}

inline std::vector<Variant> with_and_without_ssl(std::vector<Variant> all) {
  const std::size_t count = all.size();
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(all[i]);
    all.back().without_ssl = true;
  }
  return all;
}

#define FOR_ALL_VARIANTS_AND_WITHOUT_SSL(Fixture) \
  INSTANTIATE_TEST_SUITE_P(Variants, Fixture, ::testing::ValuesIn(with_and_without_ssl(all_variants())), variant_name)
#define FOR_TLS13_VARIANTS_AND_WITHOUT_SSL(Fixture) \
  INSTANTIATE_TEST_SUITE_P(Variants, Fixture, ::testing::ValuesIn(with_and_without_ssl(tls13_variants())), variant_name)
#define FOR_ALL_VARIANTS(Fixture) \
  INSTANTIATE_TEST_SUITE_P(Variants, Fixture, ::testing::ValuesIn(all_variants()), variant_name)
#define FOR_TLS13_VARIANTS(Fixture) \
  INSTANTIATE_TEST_SUITE_P(Variants, Fixture, ::testing::ValuesIn(tls13_variants()), variant_name)
#define FOR_TLS12_VARIANTS(Fixture) \
  INSTANTIATE_TEST_SUITE_P(Variants, Fixture, ::testing::ValuesIn(tls12_variants()), variant_name)

inline void use_suite(SSL_CTX* context, const Variant& variant) {
  ASSERT_TRUE(variant.version == TLS1_3_VERSION ? SSL_CTX_set_ciphersuites(context, variant.suite)
                                                : SSL_CTX_set_cipher_list(context, variant.suite));
}

inline std::string pattern(std::size_t size, char seed = 'a') {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(seed + static_cast<char>(i * 7 % 26));
  return text;
}

// The records in a stream of bytes.
inline std::vector<std::string> split_records(const std::string& bytes) {
  std::vector<std::string> records;
  for (std::size_t at = 0; at + 5 <= bytes.size();) {
    const std::size_t size =
        5 + (static_cast<unsigned char>(bytes[at + 3]) << 8 | static_cast<unsigned char>(bytes[at + 4]));
    records.push_back(bytes.substr(at, size));
    at += size;
  }
  return records;
}

class PathTest : public ::testing::TestWithParam<Variant> {
 protected:
  PathTest() : PathTest(GetParam()) {}
  explicit PathTest(const Variant& variant)
      : pair(variant.version), machine_is_server(variant.machine == Role::kServer) {
    use_suite(pair.server_context.get(), variant);
    use_suite(pair.client_context.get(), variant);
    EXPECT_EQ(openssl_prepareContext(machine_context()), 1);
  }

  SSL_CTX* machine_context() { return (machine_is_server ? pair.server_context : pair.client_context).get(); }
  SSL_CTX* peer_context() { return (machine_is_server ? pair.client_context : pair.server_context).get(); }

  void make() {
    machine = machine_is_server ? pair.machine_server() : pair.machine_client();
    peer = machine_is_server ? pair.plain_client() : pair.plain_server();
  }
  void connect() {
    if (!machine) make();
    carry(*machine, *peer);
    ASSERT_TRUE(machine->established());
    ASSERT_TRUE(peer->established());
  }
  // Data each way, so that both directions are on the record path.
  void take_over() {
    exchange("to the peer", "to the machine");
    EXPECT_EQ(path().sends, OPENSSL_PATH_DIRECT);
    EXPECT_EQ(path().receives, OPENSSL_PATH_DIRECT);
    release();
  }
  // Frees the machine's SSL, if the variant is one without.
  void release() {
    if (!GetParam().without_ssl) return;
    openssl_releaseSsl(machine->tls());
    machine->work();
    EXPECT_TRUE(path().ssl_freed);
    EXPECT_EQ(openssl_ssl(machine->tls()), nullptr);
  }
  void exchange(const std::string& to_peer, const std::string& to_machine) {
    const std::size_t peer_had = peer->received().size(), machine_had = machine->received().size();
    if (!to_peer.empty()) machine->send(to_peer);
    if (!to_machine.empty()) peer->send(to_machine);
    carry(*machine, *peer);
    EXPECT_TRUE(peer->received().substr(peer_had) == to_peer);
    EXPECT_TRUE(machine->received().substr(machine_had) == to_machine);
  }
  OPENSSL_RECORD_PATH path() const {
    OPENSSL_RECORD_PATH result;
    openssl_recordPath(machine->tls(), &result);
    return result;
  }
  // What the machine makes of `text`.
  std::string records_of_machine(const std::string& text) {
    machine->send(text);
    machine->work();
    return machine->take_output();
  }
  std::string records_of_peer(const std::string& text) {
    peer->send(text);
    peer->work();
    return peer->take_output();
  }
  bool tls13() const { return GetParam().version == TLS1_3_VERSION; }
  int alert_of_peer_seen() const { return machine->failure() ? machine->failure()->alert_received : -1; }

  Pair pair;
  bool machine_is_server;
  std::unique_ptr<MachineEnd> machine;
  std::unique_ptr<PlainEnd> peer;
};

}  // namespace openssl_event::testing

#endif
