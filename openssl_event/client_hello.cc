#include "openssl_event/client_hello.h"

#include <openssl/tls1.h>

#include <cstring>

namespace openssl_event {
namespace {

struct Range {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
};

// What a length of `width` bytes at the start counts; nothing if it does not count all the rest.
Range whole_vector(const OPENSSL_EXTENSION& extension, std::size_t width) noexcept {
  if (extension.len < width) return {};
  const unsigned char* data = extension.data;
  const std::size_t size = width == 2 ? static_cast<std::size_t>(data[0] << 8 | data[1]) : data[0];
  return size == extension.len - width ? Range{data + width, size} : Range{};
}

constexpr unsigned char kHostName = 0;  // RFC 6066 3: NameType
constexpr std::size_t kNameHeader = 3;  // type and length

Range host_name(const OPENSSL_EXTENSION& extension) noexcept {
  const Range list = whole_vector(extension, 2);
  if (list.size < kNameHeader || list.data[0] != kHostName) return {};
  const std::size_t size = static_cast<std::size_t>(list.data[1] << 8 | list.data[2]);
  if (size > list.size - kNameHeader || std::memchr(list.data + kNameHeader, 0, size)) return {};
  return {list.data + kNameHeader, size};
}

}  // namespace

bool read_extensions(OPENSSL_CLIENT_HELLO& hello, Bytes& name) noexcept {
  Range host, alpn, versions;
  for (std::size_t i = 0; i < hello.extension_count; ++i) {
    const OPENSSL_EXTENSION& extension = hello.extensions[i];
    switch (extension.type) {
      case TLSEXT_TYPE_server_name: host = host_name(extension); break;
      case TLSEXT_TYPE_application_layer_protocol_negotiation: alpn = whole_vector(extension, 2); break;
      case TLSEXT_TYPE_supported_versions: versions = whole_vector(extension, 1); break;
      default: break;
    }
  }
  hello.alpn = alpn.data;
  hello.alpn_len = alpn.size;
  hello.versions = versions.data;
  hello.versions_len = versions.size;
  const bool copied = host.size == 0 || name.copy(host.data, host.size);
  hello.server_name = name.text();
  return copied;
}

}  // namespace openssl_event
