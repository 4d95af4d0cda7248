// The RECORD_INs that have been put, as the stream of bytes that libssl reads.
#ifndef OPENSSL_EVENT_RECORD_INPUT_H
#define OPENSSL_EVENT_RECORD_INPUT_H

#include <cstddef>

#include "openssl_event/event.h"

namespace openssl_event {

class RecordInput {
 public:
  // Events that have been read to their end go to the end of `used`.
  explicit RecordInput(EventList& used) noexcept : used_(used) {}

  void put(Event* record) noexcept { records_.push_back(record); }
  void end() noexcept { ended_ = true; }

  // A step reads one record at most; at its end the stream seems empty until the next step. In a handshake the record behind
  // a change_cipher_spec, which TLS 1.3 ignores and 1.2 follows by a Finished, is of the same step.
  void begin_step(bool handshakes) noexcept {
    handshakes_ = handshakes;
    record_finished_ = false;
  }

  // Up to `len` bytes; 0: none in this step, or at_end().
  std::size_t read(char* buf, std::size_t len) noexcept;

  // For who opens records where they are: the next one; it can be taken, or ends, if libssl has read nothing of it.
  Event* front() const noexcept { return records_.front(); }
  bool at_start() const noexcept { return offset_ == 0; }
  Event* take() noexcept { return records_.pop_front(); }
  void finish_first() noexcept;

  bool empty() const noexcept { return records_.empty(); }
  bool ended() const noexcept { return ended_; }
  bool at_end() const noexcept { return ended_ && records_.empty(); }
  // Bytes of the record that is next, or being read; 0: none.
  std::size_t next_length() const noexcept;
  // True if the step has read a record to its end.
  bool record_finished() const noexcept { return record_finished_; }

  // The application gets all of them back, unread.
  void return_all() noexcept;
  void destroy_all() noexcept;

 private:
  EventList records_;
  EventList& used_;
  std::size_t offset_ = 0;  // in the first record
  bool ended_ = false;
  bool handshakes_ = false;
  bool record_finished_ = false;
};

}  // namespace openssl_event

#endif
