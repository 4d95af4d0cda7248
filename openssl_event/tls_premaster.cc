#include "openssl_event/tls_premaster.h"

#include <cstdint>

namespace openssl_event {
namespace {

// All ones or all zeros. The compiler must not find out which: it would make a branch of it.
using Mask = std::uint32_t;

Mask opaque(Mask value) noexcept {
  __asm__("" : "+r"(value));
  return value;
}

// value - 1 has its top bit set, and value has not, for 0 only.
Mask is_zero(Mask value) noexcept { return opaque(0U - ((~value & (value - 1)) >> 31)); }
Mask is_equal(Mask a, Mask b) noexcept { return is_zero(a ^ b); }
Mask is_version(const unsigned char* bytes, unsigned version) noexcept {
  return is_equal(bytes[0], version >> 8 & 0xff) & is_equal(bytes[1], version & 0xff);
}

constexpr std::size_t kLeastPadding = 2 + 8 + 1;  // 0, 2; at least eight bytes; 0 (RFC 8017 7.2.1)

Mask is_padding(const unsigned char* block, std::size_t zero_at) noexcept {
  Mask good = is_zero(block[0]) & is_equal(block[1], 2) & is_zero(block[zero_at]);
  for (std::size_t i = 2; i < zero_at; ++i) good &= ~is_zero(block[i]);
  return good;
}

}  // namespace

void take_premaster(unsigned char (&premaster)[kPremasterSize], const unsigned char* block, std::size_t size,
                    unsigned client_version, unsigned other_version) noexcept {
  if (size < kLeastPadding + kPremasterSize) return;
  const unsigned char* secret = block + size - kPremasterSize;
  Mask good = is_version(secret, client_version);
  if (other_version != 0) good |= is_version(secret, other_version);
  good &= is_padding(block, size - kPremasterSize - 1);
  for (std::size_t i = 0; i < kPremasterSize; ++i)
    premaster[i] = static_cast<unsigned char>((secret[i] & opaque(good)) | (premaster[i] & ~opaque(good)));
}

}  // namespace openssl_event
