// The keys of the record path: from a TLS 1.3 traffic secret or a TLS 1.2 master secret to the key and IV of one
// direction.
#ifndef OPENSSL_EVENT_RECORD_KEYS_H
#define OPENSSL_EVENT_RECORD_KEYS_H

#include <cstddef>
#include <cstdint>

#include <openssl/crypto.h>
#include <openssl/ssl.h>

namespace openssl_event {

// What the negotiated cipher suite says about records. `cipher` belongs to the process.
struct RecordSuite {
  const EVP_CIPHER* cipher;
  const EVP_MD* digest;  // of the key schedule
  std::size_t key_size;
  bool tls13;
  bool explicit_nonce;          // AES-GCM of TLS 1.2 sends eight bytes of each nonce (RFC 5288 3)
  std::uint64_t records_limit;  // to be sealed with one key (RFC 8446 5.5); 0: none that can be reached
};

// False: not a suite of the record path, or its cipher cannot be had.
bool find_suite(SSL* ssl, RecordSuite& suite) noexcept;

constexpr std::size_t kIvSize = 12;
constexpr std::size_t kTagSize = 16;
constexpr std::size_t kExplicitNonceSize = 8;
constexpr std::size_t kSaltSize = kIvSize - kExplicitNonceSize;

// Secrets wipe themselves.
struct TrafficSecret {
  static constexpr std::size_t kLargest = 48;  // SHA-384

  unsigned char bytes[kLargest];
  std::size_t size = 0;

  TrafficSecret() = default;
  TrafficSecret(const TrafficSecret&) = delete;
  TrafficSecret& operator=(const TrafficSecret&) = delete;
  ~TrafficSecret() { wipe(); }
  void wipe() noexcept {
    OPENSSL_cleanse(bytes, sizeof bytes);
    size = 0;
  }
};

struct RecordKey {
  unsigned char key[32];
  unsigned char iv[kIvSize];  // with an explicit nonce: the first kSaltSize bytes of it

  RecordKey() = default;
  RecordKey(const RecordKey&) = delete;
  RecordKey& operator=(const RecordKey&) = delete;
  ~RecordKey() { wipe(); }
  void wipe() noexcept {
    OPENSSL_cleanse(key, sizeof key);
    OPENSSL_cleanse(iv, sizeof iv);
  }
};

// RFC 8446 7.3.
bool derive_key(const RecordSuite& suite, const TrafficSecret& secret, RecordKey& key) noexcept;
// RFC 8446 7.2: application_traffic_secret_N becomes _N+1. False: neither is there any more.
bool next_secret(const RecordSuite& suite, TrafficSecret& secret) noexcept;
// RFC 5246 6.3: the client's or the server's half of the key block of the SSL's session.
bool derive_key(const RecordSuite& suite, SSL* ssl, bool of_server, RecordKey& key) noexcept;

}  // namespace openssl_event

#endif
