#include "openssl_event/client_hello.h"

#include <openssl/tls1.h>

#include <algorithm>
#include <cstring>

#include "openssl_event/openssl_records.h"

namespace openssl_event {
namespace {

struct Range {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
};

// Reads numbers and vectors (RFC 8446 3) from the front of some bytes. What is not there makes it bad, for good.
class Reader {
 public:
  Reader(const unsigned char* data, std::size_t size) noexcept : left_{data, size} {}
  explicit Reader(const Range& range) noexcept : left_(range) {}

  Range bytes(std::size_t size) noexcept {
    if (size > left_.size) good_ = false;
    if (!good_) return {};
    const Range taken = {left_.data, size};
    left_ = {left_.data + size, left_.size - size};
    return taken;
  }
  unsigned number(std::size_t width) noexcept {
    const Range range = bytes(width);
    unsigned value = 0;
    for (std::size_t i = 0; i < range.size; ++i) value = value << 8 | range.data[i];
    return value;
  }
  // With a length of `width` bytes before it.
  Range vector(std::size_t width) noexcept { return bytes(number(width)); }

  bool good() const noexcept { return good_; }
  bool at_end() const noexcept { return good_ && left_.size == 0; }

 private:
  Range left_;
  bool good_ = true;
};

// A vector that fills the extension; nothing if it does not.
Range whole_vector(const OPENSSL_EXTENSION& extension, std::size_t width) noexcept {
  Reader reader(extension.data, extension.len);
  const Range range = reader.vector(width);
  return reader.at_end() ? range : Range{};
}

constexpr unsigned kHostName = 0;  // RFC 6066 3: NameType

Range host_name(const OPENSSL_EXTENSION& extension) noexcept {
  Reader list(whole_vector(extension, 2));
  const unsigned type = list.number(1);
  const Range name = list.vector(2);
  if (!list.good() || type != kHostName || name.size >= kNameSize || std::memchr(name.data, 0, name.size)) return {};
  return name;
}

// RFC 8446 4: the body of a message of this type.
Range body_of(const unsigned char* message, std::size_t len, unsigned type) noexcept {
  Reader reader(message, len);
  const unsigned found = reader.number(1);
  const Range body = reader.vector(3);
  return reader.good() && found == type ? body : Range{};
}

constexpr std::size_t kRandomSize = 32;
// RFC 8446 4.1.3: the random of a HelloRetryRequest, SHA-256 of "HelloRetryRequest".
constexpr unsigned char kRetryRandom[kRandomSize] = {0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C,
                                                     0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB,
                                                     0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};

// Each extension of a list goes to take(extension). False: the list is malformed.
template <class Take>
bool for_each_extension(Range list, Take take) noexcept {
  Reader reader(list);
  while (reader.good() && !reader.at_end()) {
    const unsigned type = reader.number(2);
    const Range data = reader.vector(2);
    if (reader.good()) take(OPENSSL_EXTENSION{type, data.data, data.size});
  }
  return reader.good();
}

void take_extension(OPENSSL_SERVER_HELLO& hello, const OPENSSL_EXTENSION& extension) noexcept {
  if (extension.type == TLSEXT_TYPE_supported_versions && extension.len == 2)
    hello.version = static_cast<unsigned>(extension.data[0] << 8 | extension.data[1]);
  if (extension.type != TLSEXT_TYPE_application_layer_protocol_negotiation) return;
  const Range protocol = Reader(whole_vector(extension, 2)).vector(1);
  hello.alpn = protocol.data;
  hello.alpn_len = protocol.size;
}

}  // namespace

void read_extensions(OPENSSL_CLIENT_HELLO& hello, char* name) noexcept {
  Range host, alpn, versions;
  for (std::size_t i = 0; i < hello.extension_count; ++i) {
    const OPENSSL_EXTENSION& extension = hello.extensions[i];
    switch (extension.type) {
      case TLSEXT_TYPE_server_name:
        host = host_name(extension);
        break;
      case TLSEXT_TYPE_application_layer_protocol_negotiation:
        alpn = whole_vector(extension, 2);
        break;
      case TLSEXT_TYPE_supported_versions:
        versions = whole_vector(extension, 1);
        break;
      default:
        break;
    }
  }
  hello.alpn = alpn.data;
  hello.alpn_len = alpn.size;
  hello.versions = versions.data;
  hello.versions_len = versions.size;
  if (host.size) std::memcpy(name, host.data, host.size);
  name[host.size] = '\0';
  hello.server_name = name;
}

bool parse_client_hello(const unsigned char* message, std::size_t len, OPENSSL_CLIENT_HELLO& hello,
                        OPENSSL_EXTENSION* extensions, std::size_t room, char* name, std::size_t& total) noexcept {
  hello = {};
  total = 0;
  Reader body(body_of(message, len, 1));
  hello.legacy_version = body.number(2);
  hello.random = body.bytes(kRandomSize).data;
  const Range id = body.vector(1), suites = body.vector(2);
  body.vector(1);  // compression methods
  hello.session_id = id.data;
  hello.session_id_len = id.size;
  hello.cipher_suites = suites.data;
  hello.cipher_suites_len = suites.size;
  hello.extensions = extensions;
  const bool listed = body.at_end() || for_each_extension(body.vector(2), [&](const OPENSSL_EXTENSION& extension) {
                        if (total++ < room) extensions[hello.extension_count++] = extension;
                      });
  if (!listed || !body.at_end()) return false;
  read_extensions(hello, name);
  return true;
}

}  // namespace openssl_event

using namespace openssl_event;

int openssl_parseClientHello(const unsigned char* message, size_t len, OPENSSL_CLIENT_HELLO* out,
                             OPENSSL_EXTENSION* extensions, size_t room, char* name) {
  std::size_t total = 0;
  return parse_client_hello(message, len, *out, extensions, room, name, total);
}

int openssl_parseServerHello(const unsigned char* message, size_t len, OPENSSL_SERVER_HELLO* out) {
  *out = {};
  Reader body(body_of(message, len, 2));
  out->version = body.number(2);
  const Range random = body.bytes(kRandomSize);
  out->retry = random.data && std::memcmp(random.data, kRetryRandom, kRandomSize) == 0;
  body.vector(1);  // session id
  out->cipher_suite = body.number(2);
  body.number(1);  // compression method
  const bool listed = body.at_end() || for_each_extension(body.vector(2), [&](const OPENSSL_EXTENSION& extension) {
                        take_extension(*out, extension);
                      });
  return listed && body.at_end();
}
