// RECORD_OUTs on their way to the network, and how libssl makes them.
#include <openssl/err.h>

#include <algorithm>

#include "openssl_event/connection.h"

using namespace openssl_event;

namespace {

// Of answers that the peer provokes, and handshake flights, not yet sent. A certificate chain of libssl's own limit
// (100 KiB) fits ten times.
constexpr std::size_t kMostExemptBytes = std::size_t{1} << 20;

}  // namespace

bool openssl_connection_st::write_records(const char* data, std::size_t len) noexcept {
  if (poisoned()) return false;
  if (path_ && path_->probing()) return path_->probed(data, len);
  EventList records;
  const bool complete = output_.write(data, len, records);
  while (Event* e = records.pop_front()) {
    if (path_ && !path_->translate(reinterpret_cast<unsigned char*>(e->pub.r.buf), static_cast<std::size_t>(e->pub.r.len))) {
      destroy_event(e);
      while ((e = records.pop_front())) destroy_event(e);
      return false;
    }
    if (step_ != Step::write) {
      emit_exempt(e);
      continue;
    }
    ++records_out_;
    emit(e);
  }
  if (!complete) out_of_memory_ = true;
  return complete && !flooded_;
}

// Outside the window.
void openssl_connection_st::emit_exempt(Event* e) noexcept {
  e->exempt = true;
  exempt_bytes_ += static_cast<std::size_t>(e->pub.r.len);
  if (exempt_bytes_ > kMostExemptBytes) flooded_ = true;
  emit(e);
}

bool openssl_connection_st::queue_record(Event* e) noexcept {
  if (!held_by_application(e, "openssl_queueRecord")) return false;
  if (kind_of(e) != OPENSSL_RECORD_OUT_KIND) return misuse("openssl_queueRecord", "only a RECORD_OUT can be sent");
  if (e->owner != this) return refuse_owner(e, "openssl_queueRecord");
  lent_.remove(e);
  e->holder = Holder::machine;
  line_.push_back(e);
  unsent_ += static_cast<std::size_t>(e->pub.r.len);
  return true;
}

int openssl_connection_st::gather(iovec* slices, int max) const noexcept {
  int count = 0;
  std::size_t offset = line_offset_;
  for (const Event* e = line_.front(); e && count < max; e = e->next, offset = 0)
    slices[count++] = {e->pub.r.buf + offset, static_cast<std::size_t>(e->pub.r.len) - offset};
  return count;
}

bool openssl_connection_st::mark_sent(std::size_t len) noexcept {
  if (len > unsent_) {
    ERR_raise_data(ERR_LIB_USER, ERR_R_PASSED_INVALID_ARGUMENT, "openssl_markSent: more than there was to send");
    return false;
  }
  unsent_ -= len;
  line_offset_ += len;
  while (Event* e = line_.front()) {
    const auto size = static_cast<std::size_t>(e->pub.r.len);
    if (line_offset_ < size) break;
    line_offset_ -= size;
    line_.pop_front();
    if (trace_) trace(OPENSSL_TRACE_PUT, e);
    take_back(e);
  }
  return true;
}
