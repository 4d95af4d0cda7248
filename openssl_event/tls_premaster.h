// The one check of secret contents that this library makes itself: what an engine that is not OpenSSL decrypted.
#ifndef OPENSSL_EVENT_TLS_PREMASTER_H
#define OPENSSL_EVENT_TLS_PREMASTER_H

#include <cstddef>

namespace openssl_event {

constexpr std::size_t kPremasterSize = 48;  // RFC 5246 7.4.7.1: the client's version, 46 random bytes

// RFC 5246 7.4.7.1 on an encryption block (RFC 8017 7.2.2): 0, 2, nonzero bytes, 0, then the premaster secret, which begins
// with `client_version`, or, if that is not 0, `other_version`. Copies it to `premaster`, which holds random bytes before;
// if anything is wrong, these stay. Which of both does not show in time or in memory accesses: there is no branch and no
// index that depends on the contents. The size is public; one below 11 + kPremasterSize leaves the random bytes.
void take_premaster(unsigned char (&premaster)[kPremasterSize], const unsigned char* block, std::size_t size,
                    unsigned client_version, unsigned other_version) noexcept;

}  // namespace openssl_event

#endif
