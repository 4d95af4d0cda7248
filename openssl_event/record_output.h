// What libssl writes becomes RECORD_OUTs, one whole record each.
#ifndef OPENSSL_EVENT_RECORD_OUTPUT_H
#define OPENSSL_EVENT_RECORD_OUTPUT_H

#include <cstddef>

#include "openssl_event/event.h"

namespace openssl_event {

// During a handshake libssl writes through a buffer of 4096 bytes, so a write may hold several records and cut one.
class RecordOutput {
 public:
  RecordOutput() = default;
  RecordOutput(const RecordOutput&) = delete;
  RecordOutput& operator=(const RecordOutput&) = delete;
  ~RecordOutput() { destroy_event(partial_); }

  // Takes all of `data`; whole records go to the end of `ready`. False without memory: the stream is broken then.
  bool write(const char* data, std::size_t len, EventList& ready) noexcept;

 private:
  std::size_t take_header(const char* data, std::size_t len) noexcept;
  bool begin_record() noexcept;

  Event* partial_ = nullptr;
  std::size_t filled_ = 0;  // of partial_, or, while there is none, of header_
  char header_[OPENSSL_RECORD_HEADER_SIZE];
};

}  // namespace openssl_event

#endif
