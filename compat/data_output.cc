// Writing: the program, the record path, the program's BIO; or libssl between the first two.
#include <openssl/err.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "compat/data_path.h"
#include "compat/real.h"
#include "openssl_event/record_header.h"

namespace openssl_event::compat {
namespace {

constexpr std::size_t kHeader = OPENSSL_RECORD_HEADER_SIZE;

}  // namespace

bool DataPath::sends_partially() const noexcept {
  return real_SSL_ctrl(ssl_, SSL_CTRL_MODE, 0, nullptr) & SSL_MODE_ENABLE_PARTIAL_WRITE;
}

bool DataPath::may_seal() noexcept {
  if (stage_ != Stage::taken && !take_over()) return false;
  if (record_->is_libssls_again() || SSL_renegotiate_pending(ssl_)) return false;
  if (always_libssl_ || out_.libssl_seals || out_.libssl_writes_next || out_.refused || !writes_) return false;
  if (out_.unsent < out_.unsent_end || out_.collected > 0 || out_.unacknowledged > 0) return false;
  if (SSL_in_init(ssl_) || (SSL_get_shutdown(ssl_) & SSL_SENT_SHUTDOWN)) return false;
  if (record_->key_is_spent()) {
    SSL_key_update(ssl_, SSL_KEY_UPDATE_NOT_REQUESTED);
    return false;
  }
  return SSL_get_key_update_type(ssl_) == SSL_KEY_UPDATE_NONE && (record_->sending() || begin_sending()) &&
         record_->sends();
}

// libssl writes records for the path to look at, and nothing else.
bool DataPath::begin_sending() noexcept {
  const Turn turn(*this, out_.in_turn);
  if (record_->begin_sending()) return true;
  out_.refused = true;
  return false;
}

// False: libssl's turn, who will hear what the BIO has answered, or that nothing leaves any more.
bool DataPath::send(const char* data, std::size_t size) {
  if (!out_.memory.take()) return false;
  const Slice slice = {data, size};
  if (!record_->seal(kApplicationData, &slice, 1, size, out_.memory.bytes())) {
    out_.refused = true;
    return false;
  }
  out_.unsent_end = record_->sealed_size(size);
  const int value = flush();
  if (value > 0) return want_nothing();
  out_.answer = {value, errno};
  out_.replaced = size;
  return false;
}

// Where libssl reads alone, nobody here learns what else it comes to want: then it is told, by a write of nothing.
bool DataPath::want_nothing() noexcept {
  std::size_t written = 0;
  if (receives_)
    wants_nothing_ = true;
  else if (real_SSL_want(ssl_) != SSL_NOTHING)
    real_SSL_write_ex(ssl_, "", 0, &written);
  return true;
}

// 1: all has been written.
int DataPath::flush() {
  while (out_.unsent < out_.unsent_end) {
    errno = 0;
    const int value = BIO_write(BIO_next(writes_), out_.memory.bytes() + out_.unsent,
                                static_cast<int>(out_.unsent_end - out_.unsent));
    if (value <= 0) return value;
    out_.unsent += static_cast<std::size_t>(value);
  }
  out_.unsent = out_.unsent_end = 0;
  out_.memory.give_back();
  return 1;
}

// ---- libssl's turn ----

int DataPath::refuse_output(const char* why) noexcept {
  out_.refused = true;
  ERR_raise_data(ERR_LIB_USER, ERR_R_INTERNAL_ERROR, "libssl_event_compat: %s", why);
  return kFailed;
}

// libssl seals what has been sealed and partly sent already, and learns what the BIO has answered to that.
int DataPath::replace(const char* data, int size) noexcept {
  RecordMemory copy;
  if (!copy.take()) return refuse_output("no memory");
  std::memcpy(copy.bytes(), data, static_cast<std::size_t>(size));
  const std::size_t cleartext = std::exchange(out_.replaced, 0);
  if (!record_->replaces(copy.bytes(), static_cast<std::size_t>(size), cleartext))
    return refuse_output("libssl's record is not the one that was sent");
  OPENSSL_cleanse(copy.bytes(), static_cast<std::size_t>(size));
  out_.unacknowledged = size;
  const Answer answer = std::exchange(out_.answer, {});
  errno = answer.error;
  return answer.value;
}

// Bytes of at most one record, which may be cut: during a handshake libssl writes through a buffer. Returns how many.
int DataPath::collect(const char* data, int size) noexcept {
  if (!out_.memory.take()) return refuse_output("no memory");
  unsigned char* const record = out_.memory.bytes();
  std::size_t taken = 0;
  for (const auto end = static_cast<std::size_t>(size); taken < end;) {
    const std::size_t needed = out_.collected < kHeader ? kHeader : record_size(record);
    if (needed > RecordMemory::kSize) return refuse_output("libssl has written what is no record");
    const std::size_t portion = std::min(end - taken, needed - out_.collected);
    std::memcpy(record + out_.collected, data + taken, portion);
    taken += portion;
    out_.collected += portion;
    if (out_.collected < kHeader || out_.collected < record_size(record)) continue;
    out_.unsent_end = std::exchange(out_.collected, 0);
    if (!record_->translate(record, out_.unsent_end)) {
      out_.unsent_end = 0;
      return refuse_output("libssl's record must not leave");
    }
    break;
  }
  return static_cast<int>(taken);
}

// Behind the change_cipher_spec of a renegotiation. libssl goes on with its Finished, under its new key; with anything else
// if it could make none: that would be under the old key, and a number that the wire has seen.
int DataPath::pass_on(const char* data, int size) {
  if (!std::exchange(out_.has_new_key, true) && *data != kHandshake) return refuse_output("libssl has no new key");
  return BIO_write(BIO_next(writes_), data, size);
}

int DataPath::take_from_libssl(const char* data, int size) {
  wants_nothing_ = false;
  if (record_->probing()) return record_->probed(data, static_cast<std::size_t>(size)) ? size : kFailed;
  if (size <= 0) return kFailed;
  if (out_.refused) return refuse_output("nothing leaves any more");
  if (out_.replaced > 0)
    return size > static_cast<int>(RecordMemory::kSize) ? refuse_output("an over-long record") : replace(data, size);
  if (out_.unacknowledged == 0) {
    if (record_->libssl_sends()) return pass_on(data, size);
    if (out_.unsent < out_.unsent_end) return refuse_output("a cancelled thread has left a record half sent");
    const int taken = collect(data, size);
    if (taken <= 0) return taken;
    out_.unacknowledged = taken;
    if (out_.collected > 0) return std::exchange(out_.unacknowledged, 0);
  }
  if (out_.unacknowledged > size) return refuse_output("libssl has forgotten what it was writing");
  const int value = flush();
  return value > 0 ? std::exchange(out_.unacknowledged, 0) : value;
}

}  // namespace openssl_event::compat
