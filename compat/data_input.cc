// Reading: the program's BIO, the record path, the program; or libssl between the latter two.
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
// What a buffer of libssl's holds: it refuses a longer record when it has seen the header.
constexpr std::size_t kMostOfLibssl = kHeader + SSL3_RT_MAX_PLAIN_LENGTH + SSL3_RT_MAX_ENCRYPTED_OVERHEAD + 7;

}  // namespace

bool DataPath::may_open() noexcept {
  if (stage_ != Stage::taken && !take_over()) return false;
  if (record_->is_libssls_again() || SSL_renegotiate_pending(ssl_)) return false;
  if (((always_libssl_ || !reads_) && in_.left == 0) || in_.staged < in_.staged_end) return false;
  if (in_.libssl_has_records) {
    if (!libssl_has_read_all()) return false;
    in_.libssl_has_records = false;
  }
  return !SSL_in_init(ssl_) && !(SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN);
}

bool DataPath::libssl_has_read_all() const noexcept {
  return !real_SSL_has_pending(ssl_) && std::strcmp(real_SSL_rstate_string(ssl_), "RH") == 0;
}

bool DataPath::read_without_libssl(void* buf, std::size_t size, bool peeks, std::size_t& taken) {
  if (!may_open()) return false;
  errno = 0;  // as libssl does
  if (in_.left == 0 && !receive()) return false;
  taken = std::min(size, in_.left);
  std::memcpy(buf, in_.cleartext, taken);
  if (!peeks) consume(taken);
  wants_nothing_ = true;
  return true;
}

void DataPath::consume(std::size_t size) noexcept {
  if (SSL_get_options(ssl_) & SSL_OP_CLEANSE_PLAINTEXT) OPENSSL_cleanse(in_.cleartext, size);
  in_.cleartext += size;
  in_.left -= size;
  if (in_.left == 0) in_.memory.give_back();
}

// True: there is cleartext. False: libssl's turn, who will find what has been staged, or hear what the BIO has
// answered.
bool DataPath::receive() {
  const int value = fill();
  if (value <= 0) {
    in_.answer = {value, errno};
    return false;
  }
  const std::size_t size = std::exchange(in_.filled, 0);
  Opened opened;
  if (record_->open(in_.memory.bytes(), size, opened) != RecordPath::Input::data) {
    stage(size);
    return false;
  }
  in_.cleartext = opened.data;
  in_.left = opened.size;
  return true;
}

// As libssl reads: the header, then the rest. 1: a whole record, or a header that libssl is to judge.
int DataPath::fill() {
  if (!in_.memory.take()) return kFailed;
  unsigned char* const record = in_.memory.bytes();
  for (std::size_t size = kHeader;;) {
    if (in_.filled >= kHeader) {
      size = record_size(record);
      if (size > kMostOfLibssl || !record_->is_acceptable(record)) return 1;
    }
    if (in_.filled >= kHeader && in_.filled == size) return 1;
    errno = 0;
    const int value = BIO_read(BIO_next(reads_), record + in_.filled, static_cast<int>(size - in_.filled));
    if (value <= 0) {
      if (in_.filled == 0) in_.memory.give_back();
      return value;
    }
    in_.filled += static_cast<std::size_t>(value);
  }
}

// ---- libssl's turn ----

void DataPath::stage(std::size_t size) noexcept {
  in_.staged = 0;
  in_.staged_end = size;
}

// What the program has not taken of a record becomes one again.
bool DataPath::stage_left_over() noexcept {
  RecordMemory sealed;
  const Slice rest = {reinterpret_cast<const char*>(in_.cleartext), in_.left};
  if (!sealed.take() || !record_->seal_for_libssl(rest, sealed.bytes())) return false;
  OPENSSL_cleanse(in_.cleartext, std::exchange(in_.left, 0));
  in_.memory = std::move(sealed);
  stage(record_->sealed_size(rest.size));
  return true;
}

// 1: something is staged.
int DataPath::stage_record() {
  if (in_.answer.value <= 0) {
    const Answer answer = std::exchange(in_.answer, {});
    errno = answer.error;
    return answer.value;
  }
  if (in_.left > 0) return stage_left_over() ? 1 : kFailed;
  const int value = fill();
  if (value <= 0) return value;
  const std::size_t size = std::exchange(in_.filled, 0);
  record_->open_for_libssl(in_.memory.bytes(), size);
  stage(size);
  return 1;
}

// libssl goes on to read after what it should have refused: it sees that so much has come, but not what.
int DataPath::read_blank(char* buf, int size) {
  const int value = BIO_read(BIO_next(reads_), buf, size);
  if (value > 0) OPENSSL_cleanse(buf, static_cast<std::size_t>(value));
  return value;
}

int DataPath::give_libssl(char* buf, int size) {
  wants_nothing_ = false;
  if (in_.staged == in_.staged_end) {
    if (record_->broken()) return read_blank(buf, size);
    if (record_->libssl_receives()) return BIO_read(BIO_next(reads_), buf, size);
    const int value = stage_record();
    if (value <= 0) return value;
  }
  in_.libssl_has_records = out_.libssl_writes_next = true;
  const std::size_t portion = std::min(static_cast<std::size_t>(size), in_.staged_end - in_.staged);
  std::memcpy(buf, in_.memory.bytes() + in_.staged, portion);
  in_.staged += portion;
  if (in_.staged == in_.staged_end) in_.memory.give_back();
  return static_cast<int>(portion);
}

// libssl counts what it has read of a record behind the header.
bool DataPath::has_pending() const noexcept { return in_.left > 0 || (in_.filled > 0 && in_.filled != kHeader); }

}  // namespace openssl_event::compat
