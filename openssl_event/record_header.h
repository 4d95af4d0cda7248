// The five bytes before a record, as far as a framer judges them.
#ifndef OPENSSL_EVENT_RECORD_HEADER_H
#define OPENSSL_EVENT_RECORD_HEADER_H

#include <cstddef>

#include "openssl_event/openssl_event.h"

namespace openssl_event {

// RFC 8446 5.1: change_cipher_spec, alert, handshake, application_data; RFC 6520: heartbeat. Version 3.x.
inline bool looks_like_a_record(const unsigned char* header) noexcept {
  return header[0] >= 20 && header[0] <= 24 && header[1] == 3;
}

// With the header.
inline std::size_t record_size(const unsigned char* header) noexcept {
  return OPENSSL_RECORD_HEADER_SIZE + static_cast<std::size_t>(header[3] << 8 | header[4]);
}

}  // namespace openssl_event

#endif
