// Handshakes in which every operation of both sides is a call.
#ifndef TESTS_OPENSSL_EVENT_INTERPOSED_H
#define TESTS_OPENSSL_EVENT_INTERPOSED_H

#include <gtest/gtest.h>

#include <openssl/err.h>

#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/pair.h"

namespace openssl_event::testing {

struct FreeLibrary {
  void operator()(OSSL_LIB_CTX* library) const { openssl_freeOffloadContext(library); }
};
using Library = std::unique_ptr<OSSL_LIB_CTX, FreeLibrary>;

inline Library make_offload_library() { return Library(openssl_newOffloadContext(nullptr, nullptr, nullptr)); }

// What is negotiated, and so which operations there are.
struct Exchange {
  int version;
  KeyType key;
  const char* group;   // NULL: of RSA key exchange
  const char* cipher;  // of TLS 1.2; NULL: TLS 1.3's own
};

inline std::string exchange_name(const ::testing::TestParamInfo<Exchange>& info) {
  std::string name = info.param.version == TLS1_3_VERSION ? "Tls13" : "Tls12";
  name += key_type_name(info.param.key);
  for (const char* c = info.param.group ? info.param.group : "RsaKeyExchange"; *c; ++c)
    if (*c != '-') name += *c;
  return name;
}

inline constexpr Exchange kExchanges[] = {
    {TLS1_3_VERSION, KeyType::kRsa, "X25519", nullptr},
    {TLS1_3_VERSION, KeyType::kRsaPss, "X448", nullptr},
    {TLS1_3_VERSION, KeyType::kEcP256, "P-256", nullptr},
    {TLS1_3_VERSION, KeyType::kEcP384, "P-384", nullptr},
    {TLS1_3_VERSION, KeyType::kEcP521, "P-521", nullptr},
    {TLS1_3_VERSION, KeyType::kEd25519, "ffdhe2048", nullptr},
    {TLS1_3_VERSION, KeyType::kEd448, "ffdhe3072", nullptr},
    {TLS1_2_VERSION, KeyType::kRsa, "X25519", "ECDHE-RSA-AES128-GCM-SHA256"},
    {TLS1_2_VERSION, KeyType::kEcP256, "P-256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {TLS1_2_VERSION, KeyType::kEcP384, "P-384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {TLS1_2_VERSION, KeyType::kEd25519, "X448", "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {TLS1_2_VERSION, KeyType::kRsa, "dhe", "DHE-RSA-AES128-GCM-SHA256"},
    {TLS1_2_VERSION, KeyType::kRsa, nullptr, "AES128-GCM-SHA256"},
};

// Those, and the key encapsulations that the OpenSSL at hand has.
inline std::vector<Exchange> all_exchanges() {
  std::vector<Exchange> all(std::begin(kExchanges), std::end(kExchanges));
  SSL_CTX* context = SSL_CTX_new(TLS_method());
  for (const char* group :
       {"MLKEM512", "MLKEM768", "MLKEM1024", "X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"})
    if (SSL_CTX_set1_groups_list(context, group)) all.push_back({TLS1_3_VERSION, KeyType::kEcP256, group, nullptr});
  SSL_CTX_free(context);
  ERR_clear_error();
  return all;
}

inline bool is_encapsulation(const Exchange& exchange) {
  return exchange.group && std::strstr(exchange.group, "MLKEM");
}

// Both sides show a certificate. `counts` are of the calls of a side, by their names.
class Interposed {
 public:
  using Counts = std::map<std::string, int>;

  Interposed(const Exchange& exchange, OSSL_LIB_CTX* library)
      : pair(exchange.version, exchange.key, false, library) {
    use_key(pair.client_context.get(), exchange.key, false);
    trust(pair.server_context.get(), exchange.key);
    demand_certificate(pair.server_context.get());
    for (SSL_CTX* context : {pair.server_context.get(), pair.client_context.get()}) negotiate(context, exchange);
  }

  void make_ends() {
    client = pair.machine_client();
    server = pair.machine_server();
  }

  Pair pair;
  std::unique_ptr<MachineEnd> client, server;

 private:
  static void negotiate(SSL_CTX* context, const Exchange& exchange) {
    const bool has_group = exchange.group && std::string(exchange.group) != "dhe";
    EXPECT_TRUE(!has_group || SSL_CTX_set1_groups_list(context, exchange.group)) << exchange.group;
    EXPECT_TRUE(!exchange.cipher || SSL_CTX_set_cipher_list(context, exchange.cipher)) << exchange.cipher;
    SSL_CTX_set_dh_auto(context, 1);
  }
};

}  // namespace openssl_event::testing

#endif
