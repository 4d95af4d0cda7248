// Memory for one record, held only while there is one: an idle connection has none.
#ifndef COMPAT_RECORD_MEMORY_H
#define COMPAT_RECORD_MEMORY_H

#include <cstddef>
#include <utility>

#include "openssl_event/openssl_event.h"

namespace openssl_event::compat {

class RecordMemory {
 public:
  static constexpr std::size_t kSize = OPENSSL_MAX_RECORD;

  RecordMemory() = default;
  ~RecordMemory() { give_back(); }
  RecordMemory(RecordMemory&& other) noexcept : bytes_(std::exchange(other.bytes_, nullptr)) {}
  RecordMemory& operator=(RecordMemory&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  // False without memory, which is in the error queue then. The thread keeps what was given back for the next one.
  bool take() noexcept { return bytes_ || allocate(); }
  void give_back() noexcept {
    if (bytes_) release();
  }
  unsigned char* bytes() const noexcept { return bytes_; }

 private:
  bool allocate() noexcept;
  void release() noexcept;

  unsigned char* bytes_ = nullptr;
};

}  // namespace openssl_event::compat

#endif
