#include "openssl_event/hello_tap.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "openssl_event/lookup_callbacks.h"

namespace openssl_event {
namespace {

constexpr unsigned kHandshakeType = 22;       // ContentType, RFC 8446 5.1
constexpr std::size_t kHeader = 4;        // type and length, RFC 8446 4
constexpr std::size_t kLongest = 131400;  // what libssl takes for a ClientHello
constexpr std::size_t kUsual = 1024;

}  // namespace

std::unique_ptr<HelloTap> HelloTap::create(const SSL* ssl) noexcept {
  const ContextLookups* lookups = lookups_of(SSL_get_SSL_CTX(ssl));
  const bool asked = SSL_is_server(ssl) && lookups && (lookups->on & OPENSSL_LOOKUP_CLIENT_HELLO);
  return std::unique_ptr<HelloTap>(asked ? new (std::nothrow) HelloTap : nullptr);
}

HelloTap::HelloTap() noexcept {
  static constexpr OPENSSL_RECORD_CALLBACKS kCallbacks = {sizeof(OPENSSL_RECORD_CALLBACKS), nullptr, take_fragment,
                                                          nullptr};
  openssl_initRecordParser(&parser_, &kCallbacks, this);
}

HelloTap::~HelloTap() { ::operator delete(data_); }

void HelloTap::take(const char* data, std::size_t size) noexcept { openssl_parseRecords(&parser_, data, size); }

int HelloTap::take_fragment(OPENSSL_RECORD_PARSER* parser, const char* data, std::size_t size) {
  auto* self = static_cast<HelloTap*>(parser->user);
  if (parser->type == kHandshakeType && !self->lost_) self->lost_ = !self->append(data, size);
  return 0;
}

bool HelloTap::append(const char* data, std::size_t size) noexcept {
  if (size > kLongest - size_) return false;
  if (size_ + size > room_) {
    const std::size_t room = std::max({kUsual, 2 * room_, size_ + size});
    auto* larger = static_cast<unsigned char*>(::operator new(room, std::nothrow));
    if (!larger) return false;
    if (size_) std::memcpy(larger, data_, size_);
    ::operator delete(data_);
    data_ = larger;
    room_ = room;
  }
  std::memcpy(data_ + size_, data, size);
  size_ += size;
  return true;
}

std::size_t HelloTap::size() const noexcept {
  if (lost_ || size_ < kHeader) return 0;
  const std::size_t whole = kHeader + static_cast<std::size_t>(data_[1] << 16 | data_[2] << 8 | data_[3]);
  return size_ < whole ? 0 : whole;
}

}  // namespace openssl_event
