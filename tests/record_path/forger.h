// Makes records in the name of a plain libssl end: of any contents, under any number.
#ifndef TESTS_RECORD_PATH_FORGER_H
#define TESTS_RECORD_PATH_FORGER_H

#include <cstring>
#include <string>

#include "openssl_event/key_capture.h"
#include "openssl_event/record_cipher.h"
#include "openssl_event/record_keys.h"

namespace openssl_event::testing {

class Forger final : private KeyListener {
 public:
  // Before the handshake of `ssl`, whose context is prepared.
  explicit Forger(SSL* ssl) : ssl_(ssl) { listen_to_keys(ssl, this); }
  ~Forger() { stop_listening_to_keys(ssl_, this); }

  // Counts the records that the end sends by itself.
  void count(std::size_t records) { sequence_ += records; }
  std::uint64_t sequence() const { return sequence_; }

  // The next record. In TLS 1.3 `padding` zeros, and no type if type is 0.
  std::string record(unsigned char type, const std::string& contents, std::size_t padding = 0) {
    RecordSuite suite;
    RecordKey key;
    RecordCipher cipher;
    const bool made =
        find_suite(ssl_, suite) &&
        (suite.tls13 ? derive_key(suite, secret_, key) : derive_key(suite, ssl_, SSL_is_server(ssl_), key)) &&
        cipher.begin(suite, key, RecordCipher::Use::seal);
    if (!made) return {};
    std::string inner = contents;
    if (suite.tls13) {
      if (type) inner += static_cast<char>(type);
      inner.append(padding, '\0');
    }
    const std::size_t prefix = 5 + explicit_size(suite);
    const std::size_t fragment = explicit_size(suite) + inner.size() + kTagSize;
    std::string record(prefix, '\0');
    record[0] = static_cast<char>(suite.tls13 ? kApplicationData : type);
    record[1] = record[2] = 3;
    record[3] = static_cast<char>(fragment >> 8);
    record[4] = static_cast<char>(fragment);
    record += inner + std::string(kTagSize, '\0');
    const RecordNumber number = {sequence_++, 0xf000'0000'0000'0000u + sequence_};
    return cipher.seal_again(number, reinterpret_cast<unsigned char*>(record.data()), inner.size()) ? record : "";
  }

 private:
  void traffic_secret(bool of_server, const unsigned char* secret, std::size_t size) noexcept override {
    if (of_server != (SSL_is_server(ssl_) != 0)) return;
    std::memcpy(secret_.bytes, secret, size);
    secret_.size = size;
    sequence_ = 0;
  }

  SSL* ssl_;
  TrafficSecret secret_;
  std::uint64_t sequence_ = 0;
};

}  // namespace openssl_event::testing

#endif
