#define OPENSSL_SUPPRESS_DEPRECATED  // RAND_METHOD: the one way to know what libssl draws
#include "tests/fuzz/contexts.h"

#include <openssl/rand.h>

#include <string_view>

#include "tests/fuzz/answers.h"
#include "tests/fuzz/check.h"
#include "tests/support/contexts.h"

namespace openssl_event::fuzz {
namespace {

using testing::KeyType;

// One of each, so that the peer's hello chooses among all kinds of signature.
constexpr KeyType kKeys[] = {KeyType::kEcP256, KeyType::kRsa, KeyType::kRsaPss, KeyType::kEd25519, KeyType::kEd448};

SSL_CTX* make_context(bool client, Kind kind) {
  SSL_CTX* ctx = SSL_CTX_new(client ? TLS_client_method() : TLS_server_method());
  CHECK(ctx);
  SSL_CTX_set_security_level(ctx, 0);
  CHECK(SSL_CTX_set_cipher_list(ctx, "ALL:COMPLEMENTOFALL:@SECLEVEL=0"));
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_dh_auto(ctx, 1);
  const bool offloaded = kind != Kind::plain;
  if (client) {
    testing::use_key(ctx, KeyType::kEcP256, offloaded);
  } else {
    for (const KeyType type : kKeys) testing::use_key(ctx, type, offloaded);
  }
  for (const KeyType type : kKeys) testing::trust(ctx, type);
  if (kind == Kind::asking) ask_everything(ctx);
  return ctx;
}

SSL_CTX* context(bool client, Kind kind) {
  static SSL_CTX* contexts[2][3] = {};
  SSL_CTX*& ctx = contexts[client][static_cast<int>(kind)];
  if (!ctx) ctx = make_context(client, kind);
  return ctx;
}

int lowest(Versions versions) {
  switch (versions) {
    case Versions::any:
    case Versions::to_1_2:
      return 0;
    case Versions::only_1_2:
      return TLS1_2_VERSION;
    case Versions::only_1_3:
      return TLS1_3_VERSION;
  }
  return 0;
}

int highest(Versions versions) {
  return versions == Versions::any || versions == Versions::only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
}

// No two neighbours alike, the highest bit clear: fits as number below any order or modulus at its first try.
int same_bytes(unsigned char* bytes, int count) {
  for (int i = 0; i < count; ++i) bytes[i] = static_cast<unsigned char>((0x11 + 13 * i) & 0x7f);
  return 1;
}

int always_ready() { return 1; }

}  // namespace

SSL* new_ssl(const Config& config, bool client, Kind kind) {
  SSL* ssl = SSL_new(context(client, kind));
  CHECK(ssl);
  SSL_set_min_proto_version(ssl, lowest(config.versions));
  SSL_set_max_proto_version(ssl, highest(config.versions));
  if (config.hello_retry) {
    char groups[] = "X25519:P-256";
    CHECK(SSL_set1_groups_list(ssl, client ? groups : groups + 7));
  }
  if (client) {
    SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
    SSL_set_tlsext_host_name(ssl, "localhost");
    if (config.lookups) SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
    SSL_set_connect_state(ssl);
  } else {
    if (config.client_certificate) SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_set_accept_state(ssl);
  }
  SSL_set_options(ssl, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
  return ssl;
}

void fix_random_bytes() {
  for (const Kind kind : {Kind::plain, Kind::offloaded, Kind::asking}) {  // keys need real ones
    context(false, kind);
    context(true, kind);
  }
  static const RAND_METHOD method = {nullptr, same_bytes, nullptr, nullptr, same_bytes, always_ready};
  CHECK(RAND_set_rand_method(&method));
}

}  // namespace openssl_event::fuzz
