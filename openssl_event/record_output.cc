#include "openssl_event/record_output.h"

#include <algorithm>
#include <cstring>

namespace openssl_event {
namespace {

constexpr std::size_t kHeader = OPENSSL_RECORD_HEADER_SIZE;

std::size_t record_size(const char* header) noexcept {
  const auto* bytes = reinterpret_cast<const unsigned char*>(header);
  return kHeader + static_cast<std::size_t>(bytes[3] << 8 | bytes[4]);
}

}  // namespace

std::size_t RecordOutput::take_header(const char* data, std::size_t len) noexcept {
  const std::size_t portion = std::min(len, kHeader - filled_);
  std::memcpy(header_ + filled_, data, portion);
  filled_ += portion;
  return portion;
}

bool RecordOutput::begin_record() noexcept {
  const std::size_t size = record_size(header_);
  partial_ = make_event(OPENSSL_RECORD_OUT_KIND, size);
  if (!partial_) return false;
  partial_->pub.r.buf = inline_buffer(partial_);
  partial_->pub.r.len = static_cast<int>(size);
  std::memcpy(partial_->pub.r.buf, header_, kHeader);
  return true;
}

bool RecordOutput::write(const char* data, std::size_t len, EventList& ready) noexcept {
  const char* const end = data + len;
  while (data != end) {
    if (!partial_) {
      data += take_header(data, static_cast<std::size_t>(end - data));
      if (filled_ < kHeader) break;
      if (!begin_record()) return false;
    }
    const auto size = static_cast<std::size_t>(partial_->pub.r.len);
    const std::size_t portion = std::min(static_cast<std::size_t>(end - data), size - filled_);
    copy_bytes(partial_->pub.r.buf + filled_, data, portion);
    data += portion;
    filled_ += portion;
    if (filled_ < size) break;
    ready.push_back(partial_);
    partial_ = nullptr;
    filled_ = 0;
  }
  return true;
}

}  // namespace openssl_event
