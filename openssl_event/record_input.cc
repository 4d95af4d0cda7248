#include "openssl_event/record_input.h"

#include <algorithm>

namespace openssl_event {

std::size_t RecordInput::next_length() const noexcept {
  return records_.empty() ? 0 : static_cast<std::size_t>(records_.front()->pub.r.len);
}

std::size_t RecordInput::read(char* buf, std::size_t len) noexcept {
  while (!records_.empty() && next_length() == 0) finish_first();
  if (records_.empty() || (record_finished_ && offset_ == 0)) return 0;
  const std::size_t portion = std::min(len, next_length() - offset_);
  copy_bytes(buf, records_.front()->pub.r.buf + offset_, portion);
  offset_ += portion;
  if (offset_ == next_length()) finish_first();
  return portion;
}

void RecordInput::finish_first() noexcept {
  Event* record = records_.pop_front();
  offset_ = 0;
  record_finished_ = !handshakes_ || record->pub.r.len == 0 || record->pub.r.buf[0] != SSL3_RT_CHANGE_CIPHER_SPEC;
  if (record->unseen)
    destroy_event(record);
  else
    used_.push_back(record);
}

void RecordInput::return_all() noexcept {
  while (!records_.empty()) finish_first();
}

void RecordInput::destroy_all() noexcept {
  while (Event* record = records_.pop_front()) destroy_event(record);
}

}  // namespace openssl_event
