// The steps of the record path: a CLEARTEXT_IN becomes a RECORD_OUT, a RECORD_IN a CLEARTEXT_OUT that points into it.
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <algorithm>

#include "openssl_event/connection.h"
#include "openssl_event/error_queue.h"

using namespace openssl_event;

namespace {

constexpr std::size_t kMostSlices = 32;
// A segment of 1460 bytes (Ethernet, TCP over IPv4) less options, header, type, tag and what a tunnel may add.
constexpr std::size_t kSmallRecord = 1369;
constexpr std::size_t kBytesInSmallRecords = 64 * 1024;
constexpr int kFatal = 2;  // AlertLevel, RFC 8446 6
// A step takes so many records as are no longer than a full one together: what it costs beside is shared by small ones.
constexpr std::size_t kBytesOfStep = OPENSSL_MAX_PLAINTEXT;
// An application that holds so many CLEARTEXT_OUTs is slow: it does not get the buffers of the network as well.
constexpr unsigned kMostInPlace = 4;

unsigned char* bytes_of(Event* e) noexcept { return reinterpret_cast<unsigned char*>(e->pub.r.buf); }
std::size_t size_of(const Event* e) noexcept { return static_cast<std::size_t>(e->pub.r.len); }

}  // namespace

void openssl_connection_st::set_record_path(bool on) noexcept {
  if (path_ && ssl_) path_->set_direct(on);
}

void openssl_connection_st::set_records(unsigned flags) noexcept {
  gather_ = flags & OPENSSL_RECORDS_GATHER;
  small_records_ = flags & OPENSSL_RECORDS_GROW ? kBytesInSmallRecords : 0;
}

// libssl sees no byte of the peer's on the record path, only what has been made for it.
std::size_t openssl_connection_st::read_records(char* buf, std::size_t len) noexcept {
  if (poisoned() || (path_ && path_->receiving() && !for_libssl_)) return 0;
  const bool begins = input_.at_start();
  const std::size_t taken = input_.read(buf, len);
  if (path_ && begins && taken > 0) path_->passes(static_cast<unsigned char>(buf[0]));
  if (hello_tap_) hello_tap_->take(buf, taken);
  return taken;
}

int openssl_connection_st::path_objection() const noexcept {
  if (renegotiation_) return OPENSSL_PATH_REASON_RENEGOTIATION;
  return has_record_bio() ? OPENSSL_PATH_REASON_NONE : OPENSSL_PATH_REASON_BUSY;
}

// With another BIO what libssl seals would leave as it is, under numbers that have been used.
bool openssl_connection_st::libssl_may_run() noexcept {
  if (!libssl_is_bypassed() || has_record_bio()) return true;
  ERR_raise_data(ERR_LIB_USER, ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED, "the BIOs of the SSL were changed");
  fail(OPENSSL_REASON_PROTOCOL);
  return false;
}

// No data passes libssl's buffers any more. From 3.2 on libssl crashes when it is to wipe a read buffer that it has freed
// before.
void openssl_connection_st::release_buffers() noexcept {
  if (!path_ || !path_->sends() || SSL_has_pending(ssl_)) return;
  if (!is_to_cleanse() || SSL_alloc_buffers(ssl_)) SSL_free_buffers(ssl_);
}

// ---- Receiving ----

void openssl_connection_st::open_records() noexcept {
  if (!path_->begin_receiving()) return;
  copies_out_ = cleartexts_out_ >= kMostInPlace;
  if (ssl_) cleanses_ = is_to_cleanse();
  std::size_t bytes = 0;
  do {
    bytes += size_of(input_.front());
    open_record();
  } while (may_open_another(bytes));
}

bool openssl_connection_st::may_open_another(std::size_t bytes) const noexcept {
  const Event* next = input_.front();
  return next && bytes + size_of(next) <= OPENSSL_MAX_RECORD && cleartexts_out_ < cleartext_window_ && !failed_ &&
         !closed_in_ && !for_libssl_ && !(without_ssl_ && without_ssl_->answer_due);
}

void openssl_connection_st::open_record() noexcept {
  Event* record = input_.front();
  Opened opened;
  switch (path_->open(bytes_of(record), size_of(record), opened)) {
    case RecordPath::Input::data:
      return emit_opened(opened);
    case RecordPath::Input::empty:
      return input_.finish_first();
    case RecordPath::Input::for_libssl:
      for_libssl_ = true;
      return;
    case RecordPath::Input::flood:
      return fail_with_alert(SSL_AD_UNEXPECTED_MESSAGE, SSL_R_RECORD_TOO_SMALL);
    case RecordPath::Input::control:
      return obey(without_ssl_->control.record(opened), opened);
    case RecordPath::Input::refused:
      // The rest of a record that was cut short: the end of the transport tells.
      if (record->unseen || size_of(record) == 0) return input_.finish_first();
      return obey(without_ssl_->control.refused(bytes_of(record), size_of(record)), opened);
  }
}

void openssl_connection_st::emit_opened(const Opened& opened) noexcept {
  Event* e = make_event(OPENSSL_CLEARTEXT_OUT_KIND, copies_out_ ? opened.size : 0);
  if (!e) return fail(OPENSSL_REASON_NO_MEMORY);
  e->pub.c.len = static_cast<int>(opened.size);
  ++cleartexts_out_;
  if (copies_out_) {
    e->pub.c.buf = inline_buffer(e);
    copy_bytes(e->pub.c.buf, reinterpret_cast<const char*>(opened.data), opened.size);
    if (cleanses_) OPENSSL_cleanse(opened.data, opened.size);
    emit(e);
    return input_.finish_first();
  }
  e->pub.c.buf = reinterpret_cast<char*>(opened.data);
  e->source = input_.take();
  emit(e);
}

// ---- Sending ----

std::size_t openssl_connection_st::record_room() const noexcept {
  return small_records_ ? std::min(kSmallRecord, path_->fragment()) : path_->fragment();
}

// What goes into the next record; at least the first block, or as much of it as there is room for.
std::size_t openssl_connection_st::gather_cleartext(Slice* slices, std::size_t& count) const noexcept {
  const Event* e = cleartext_in_.front();
  const std::size_t room = record_room();
  std::size_t size = std::min(size_of(e) - cleartext_offset_, room);
  slices[0] = {e->pub.c.buf + cleartext_offset_, size};
  count = 1;
  if (!gather_) return size;
  while (size < room && count < kMostSlices && (e = e->next) && made_by_application(e->pub.kind)) {
    const std::size_t portion = std::min(size_of(e), room - size);
    slices[count++] = {e->pub.c.buf, portion};
    size += portion;
  }
  return size;
}

void openssl_connection_st::consume_cleartext(std::size_t size) noexcept {
  do {
    const std::size_t left = size_of(cleartext_in_.front()) - cleartext_offset_;
    if (left > size) {
      cleartext_offset_ += size;
      return;
    }
    size -= left;
    finish_cleartext();
  } while (size > 0);
}

// False: the connection has failed.
bool openssl_connection_st::take_over_output() noexcept {
  if (path_->sending()) return true;
  begin_with_no_errors();
  const bool begun = libssl_may_run() && path_->begin_sending();
  release_buffers();
  if (!begun) fail_from_errors();
  return begun;
}

// nullptr: the connection has failed.
openssl_connection_st::Event* openssl_connection_st::seal_to_event(unsigned char type, const Slice* slices,
                                                                   std::size_t count, std::size_t size) noexcept {
  const std::size_t sealed = path_->sealed_size(size);
  Event* record = make_event(OPENSSL_RECORD_OUT_KIND, sealed);
  if (!record) {
    fail(OPENSSL_REASON_NO_MEMORY);
    return nullptr;
  }
  record->pub.r.buf = inline_buffer(record);
  record->pub.r.len = static_cast<int>(sealed);
  if (path_->seal(type, slices, count, size, bytes_of(record))) return record;
  destroy_event(record);
  fail_from_errors();
  return nullptr;
}

void openssl_connection_st::seal_records() noexcept {
  if (ssl_ && (SSL_get_shutdown(ssl_) & SSL_SENT_SHUTDOWN)) {
    ERR_raise(ERR_LIB_SSL, SSL_R_PROTOCOL_IS_SHUTDOWN);
    return fail(OPENSSL_REASON_PROTOCOL);
  }
  if (!path_->sending() && !(take_over_output() && path_->sends())) return;
  std::size_t bytes = 0;
  do bytes += seal_record();
  while (may_seal_another(bytes));
}

bool openssl_connection_st::may_seal_another(std::size_t bytes) const noexcept {
  const Event* next = cleartext_in_.front();
  return next && made_by_application(next->pub.kind) &&
         bytes + std::min(size_of(next), record_room()) <= kBytesOfStep && records_out_ < records_window_ && !failed_ &&
         !path_->key_is_spent();
}

// Returns how much cleartext is in it.
std::size_t openssl_connection_st::seal_record() noexcept {
  Slice slices[kMostSlices];
  std::size_t count;
  const std::size_t size = gather_cleartext(slices, count);
  if (size == 0) {  // an empty block makes no record
    finish_cleartext();
    return 0;
  }
  Event* record = seal_to_event(kApplicationData, slices, count, size);
  if (!record) return 0;
  ++records_out_;
  small_records_ -= std::min(small_records_, size);
  emit(record);
  consume_cleartext(size);
  return size;
}

// ---- What libssl has not seen the cause of, or does not do any more ----

// False: the connection has failed.
bool openssl_connection_st::send_control(unsigned char type, const Slice& bytes) noexcept {
  if (!take_over_output() || !path_->sending()) return false;
  Event* record = seal_to_event(type, &bytes, 1, bytes.size);
  if (!record) return false;
  emit_exempt(record);
  if (flooded_) fail(OPENSSL_REASON_FLOOD);
  return !failed_;
}

bool openssl_connection_st::send_alert(int level, int description) noexcept {
  const char alert[] = {static_cast<char>(level), static_cast<char>(description)};
  return send_control(kAlert, {alert, sizeof alert});
}

// A session that ended so is not resumed (RFC 5246 7.2.2), as far as its context is known.
void openssl_connection_st::fail_with_alert(int description, int reason) noexcept {
  clear_errors();
  if (!closed_out_ && send_alert(kFatal, description)) alert_sent_ = description;
  if (ssl_) SSL_CTX_remove_session(SSL_get_SSL_CTX(ssl_), SSL_get_session(ssl_));
  ERR_raise(ERR_LIB_SSL, reason);
  fail_from_errors();
}
