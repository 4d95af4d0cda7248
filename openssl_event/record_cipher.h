// One key of one direction: seals records, or opens them, by EVP, where the bytes are.
#ifndef OPENSSL_EVENT_RECORD_CIPHER_H
#define OPENSSL_EVENT_RECORD_CIPHER_H

#include <cstddef>
#include <cstdint>

#include <openssl/evp.h>

#include "openssl_event/openssl_event.h"
#include "openssl_event/record_keys.h"

namespace openssl_event {

// ContentType, RFC 8446 B.1.
constexpr unsigned char kChangeCipherSpec = 20;
constexpr unsigned char kAlert = 21;
constexpr unsigned char kHandshake = 22;
constexpr unsigned char kApplicationData = 23;
// HandshakeType, RFC 8446 4 and RFC 5246 7.4: of what comes after the handshake.
constexpr unsigned char kHelloRequest = 0;
constexpr unsigned char kClientHello = 1;
constexpr unsigned char kNewSessionTicket = 4;
constexpr unsigned char kKeyUpdate = 24;
constexpr std::size_t kTypeByte = 1;  // behind the contents, in TLS 1.3

struct Slice {
  const char* data;
  std::size_t size;
};

// What makes a record's nonce. The explicit part is used by AES-GCM of TLS 1.2 only.
struct RecordNumber {
  std::uint64_t sequence;
  std::uint64_t explicit_nonce;
};

// Where things lie in an opened record.
struct Opened {
  unsigned char type;  // of the contents; in TLS 1.3 the inner one, 0 if there was none
  unsigned char* data;
  std::size_t size;   // of the contents
  std::size_t inner;  // of what was sealed: in TLS 1.3 contents, type and padding
};

inline std::size_t explicit_size(const RecordSuite& suite) noexcept {
  return suite.explicit_nonce ? kExplicitNonceSize : 0;
}

class RecordCipher {
 public:
  enum class Use { seal, open };

  RecordCipher() = default;
  RecordCipher(const RecordCipher&) = delete;
  RecordCipher& operator=(const RecordCipher&) = delete;
  ~RecordCipher() { EVP_CIPHER_CTX_free(context_); }

  // False without memory, or if the cipher refuses; then there is none.
  bool begin(const RecordSuite& suite, const RecordKey& key, Use use) noexcept;
  bool begun() const noexcept { return context_ != nullptr; }

  // How long the record with so much cleartext is, header included.
  static std::size_t sealed_size(const RecordSuite& suite, std::size_t cleartext) noexcept {
    return OPENSSL_RECORD_HEADER_SIZE + explicit_size(suite) + cleartext + (suite.tls13 ? kTypeByte : 0) + kTagSize;
  }

  // A whole record of the slices one after the other, to `record`, which has sealed_size bytes. The slices lie
  // elsewhere. What is there after a failure is wiped.
  bool seal(const RecordNumber& number, unsigned char type, const Slice* slices, std::size_t count, std::size_t size,
            unsigned char* record) noexcept;

  // Opens a whole record where it is. False if it is not authentic; what it held is wiped then.
  bool open(std::uint64_t sequence, unsigned char* record, std::size_t size, Opened& opened) noexcept;

  // Seals an opened record again, where it is, under another number and with the header and the inner bytes that it
  // has.
  bool seal_again(const RecordNumber& number, unsigned char* record, std::size_t inner) noexcept;

 private:
  struct Nonce;
  struct AdditionalData;
  bool set_fixed_iv() noexcept;
  bool open_tls12(std::uint64_t sequence, unsigned char* record, std::size_t size) noexcept;
  bool open_tls13(std::uint64_t sequence, const unsigned char* record, const Opened& opened) noexcept;
  bool set_nonce(const RecordNumber& number, unsigned char* tag) noexcept;
  bool start(const RecordNumber& number, const unsigned char* header, std::size_t inner) noexcept;
  bool seal_copy(const RecordNumber& number, unsigned char type, const Slice* slices, std::size_t count,
                 unsigned char* record, std::size_t inner) noexcept;
  bool seal_slices(const RecordNumber& number, unsigned char type, const Slice* slices, std::size_t count,
                   unsigned char* record, std::size_t inner) noexcept;
  bool seal_tls12(const RecordNumber& number, unsigned char* record, std::size_t inner) noexcept;
  bool count_from(const RecordNumber& number) noexcept;
  std::size_t prefix() const noexcept { return explicit_nonce_ ? kExplicitNonceSize : 0; }

  EVP_CIPHER_CTX* context_ = nullptr;
  unsigned char iv_[kIvSize];
  std::uint64_t iv_tail_ = 0;  // what of it is behind the salt
  bool tls13_ = false;
  bool explicit_nonce_ = false;
  bool nonce_by_parameter_ = false;
  bool counts_ = false;           // the cipher makes the next nonce by itself ...
  std::uint64_t next_nonce_ = 0;  // ... this, if it is explicit
};

// RFC 8446 5.1, 5.2; RFC 5246 6.2.
bool is_whole_record(const unsigned char* record, std::size_t size) noexcept;
std::uint64_t load_big_endian(const unsigned char* bytes) noexcept;

}  // namespace openssl_event

#endif
