#include "openssl_event/record_path.h"

#include <openssl/err.h>

#include <atomic>
#include <cstring>
#include <new>
#include <utility>

#include "openssl_event/record_header.h"

using namespace openssl_event;

namespace {

constexpr std::size_t kHeader = OPENSSL_RECORD_HEADER_SIZE;
constexpr std::size_t kExpansion13 = 256;   // RFC 8446 5.2
constexpr std::size_t kExpansion12 = 2048;  // RFC 5246 6.2.3
constexpr unsigned kMostEmptyRecords = 32;  // libssl's MAX_EMPTY_RECORDS

std::atomic<bool> allowed{true};

}  // namespace

void RecordPath::allow(bool is_allowed) noexcept { allowed.store(is_allowed, std::memory_order_relaxed); }

RecordPath* RecordPath::create(SSL* ssl) noexcept {
  if (!allowed.load(std::memory_order_relaxed) || !is_prepared(SSL_get_SSL_CTX(ssl))) return nullptr;
  RecordPath* path = new (std::nothrow) RecordPath(ssl);
  if (!path) return nullptr;
  if (listen_to_keys(ssl, path)) return path;
  delete path;
  return nullptr;
}

RecordPath::~RecordPath() {
  if (ssl_) stop_listening_to_keys(ssl_, this);
}

bool RecordPath::of_server(const Direction& direction) const noexcept {
  return (&direction == &out_) == (SSL_is_server(ssl_) != 0);
}

void RecordPath::traffic_secret(bool of_server, const unsigned char* secret, std::size_t size) noexcept {
  Direction& direction = of_server == (SSL_is_server(ssl_) != 0) ? out_ : in_;
  std::memcpy(direction.secret.bytes, secret, size);
  direction.secret.size = size;
  direction.wire = direction.libssl = 0;
  direction.has_key = false;
}

// Up to the take-over libssl's numbers are the wire's: the records since the key was put to use. TLS 1.3 tells when by
// the secret, TLS 1.2 by the change_cipher_spec.
void RecordPath::count(Direction& direction, unsigned char type) noexcept {
  if (type == kChangeCipherSpec) {
    direction.counted = true;
    direction.libssl = 0;
  } else {
    ++direction.libssl;
  }
}

// A record has passed under the old key. The change_cipher_spec is the last one of a key: RFC 5246 7.1.
void RecordPath::follow(Direction& direction, unsigned char type) noexcept {
  if (!follows_renegotiation_ || reason_ == OPENSSL_PATH_REASON_HANDSHAKE || suite_.tls13 || type != kChangeCipherSpec) return;
  direction.renegotiated = true;
  direction.has_key = false;
  direction.key.wipe();
}

int RecordPath::find_reason() noexcept {
  if (!find_suite(ssl_, suite_) || SSL_get_current_compression(ssl_)) return OPENSSL_PATH_REASON_SUITE;
  if (!suite_.tls13 && !(SSL_get_options(ssl_) & SSL_OP_NO_RENEGOTIATION)) return OPENSSL_PATH_REASON_RENEGOTIATION;
  if (SSL_get_early_data_status(ssl_) == SSL_EARLY_DATA_ACCEPTED) return OPENSSL_PATH_REASON_EARLY_DATA;
  if (SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl_)) != 0) return OPENSSL_PATH_REASON_FRAGMENT;
  if (SSL_get_record_padding_callback_arg(ssl_)) return OPENSSL_PATH_REASON_PADDING;
  const bool seen = suite_.tls13 ? in_.secret.size && out_.secret.size : in_.counted && out_.counted;
  if (!seen) return OPENSSL_PATH_REASON_SECRETS;
  const bool at_header = std::strcmp(SSL_rstate_string(ssl_), "RH") == 0;
  const bool reads_on = !at_header || SSL_has_pending(ssl_) || SSL_get_read_ahead(ssl_);
  if ((receives_ && reads_on) || (SSL_get_mode(ssl_) & SSL_MODE_ASYNC)) return OPENSSL_PATH_REASON_BUSY;
  return OPENSSL_PATH_REASON_NONE;
}

void RecordPath::decide(int objection) noexcept {
  if (reason_ != OPENSSL_PATH_REASON_HANDSHAKE) return;
  reason_ = objection == OPENSSL_PATH_REASON_NONE ? find_reason() : objection;
  usable_ = reason_ == OPENSSL_PATH_REASON_NONE;
  limit_ = suite_.records_limit;
  has_ticket_ = !suite_.tls13 || SSL_is_server(ssl_);
}

int RecordPath::reason() const noexcept {
  if (usable_ && !direct_) return OPENSSL_PATH_REASON_OFF;
  if (usable_ && padded_) return OPENSSL_PATH_REASON_PADDING;
  return reason_;
}

// Keys are made when the first record needs them: a connection that moves no data pays nothing.
bool RecordPath::make_key(Direction& direction) noexcept {
  return suite_.tls13 ? derive_key(suite_, direction.secret, direction.key)
                      : derive_key(suite_, ssl_, of_server(direction), direction.key);
}

bool RecordPath::make_cipher(Direction& direction, RecordCipher::Use use) noexcept {
  if (direction.has_key) return true;
  direction.has_key = make_key(direction) && direction.cipher.begin(suite_, direction.key, use);
  return direction.has_key;
}

bool RecordPath::refuse(const char* why) noexcept {
  ERR_raise_data(ERR_LIB_USER, ERR_R_INTERNAL_ERROR, "record path: %s", why);
  return false;
}

// ---- Sending ----

// What libssl has written for begin_sending() to look at. It never leaves.
struct RecordPath::Probe {
  unsigned char record[OPENSSL_MAX_RECORD];
  std::size_t size;
};

bool RecordPath::probed(const char* data, std::size_t size) noexcept {
  if (size > sizeof probe_->record - probe_->size) return false;
  std::memcpy(probe_->record + probe_->size, data, size);
  probe_->size += size;
  return true;
}

// libssl has sealed so many bytes: under the number that we count, or we have no business here; padded or not. Its
// explicit nonce is the next one of this key.
bool RecordPath::open_probe(Probe& probe, std::size_t size) noexcept {
  RecordCipher opener;
  Opened opened;
  out_.explicit_nonce = load_big_endian(probe.record + kHeader) - 1;
  if (!is_whole_record(probe.record, probe.size) || !opener.begin(suite_, out_.key, RecordCipher::Use::open) ||
      !opener.open(out_.libssl++, probe.record, probe.size, opened))
    return refuse("libssl's record is not what was counted");
  padded_ = padded_ || probe.size != sealed_size(size);
  return opened.type == kApplicationData && opened.size == size;
}

// An SSL_write is of one record, while it lives.
class PartialWrites {
 public:
  explicit PartialWrites(SSL* ssl) noexcept : ssl_(ssl), was_on_(SSL_get_mode(ssl) & SSL_MODE_ENABLE_PARTIAL_WRITE) {
    if (!was_on_) SSL_set_mode(ssl_, SSL_MODE_ENABLE_PARTIAL_WRITE);
  }
  ~PartialWrites() {
    if (!was_on_) SSL_clear_mode(ssl_, SSL_MODE_ENABLE_PARTIAL_WRITE);
  }
  PartialWrites(const PartialWrites&) = delete;
  PartialWrites& operator=(const PartialWrites&) = delete;

 private:
  SSL* ssl_;
  bool was_on_;
};

// Whether libssl pads, and into what portions it cuts, cannot be asked: it is seen on records that never leave. A whole
// number of blocks can have one byte of data, but not two as well; and most portions are one.
bool RecordPath::probe() noexcept {
  const PartialWrites partial(ssl_);
  static const char zeros[OPENSSL_MAX_PLAINTEXT] = {};
  std::size_t written = 0;
  for (const std::size_t size : {1, 2}) {
    if (SSL_write_ex(ssl_, zeros, size, &written) <= 0 || !open_probe(*probe_, size)) return false;
    probe_->size = 0;
  }
  if (SSL_write_ex(ssl_, zeros, sizeof zeros, &written) <= 0) return false;
  if (!is_whole_record(probe_->record, probe_->size)) return refuse("libssl does not write one record at a time");
  ++out_.libssl;
  fragment_ = written;
  padded_ = padded_ || probe_->size != sealed_size(written);
  return true;
}

bool RecordPath::begin_sending() noexcept {
  if (out_.taken) return true;
  if (!make_cipher(out_, RecordCipher::Use::seal)) {
    usable_ = false;
    reason_ = OPENSSL_PATH_REASON_SUITE;
    return true;
  }
  Probe* probe_buffer = new (std::nothrow) Probe;
  if (!probe_buffer) return refuse("out of memory");
  probe_buffer->size = 0;
  probe_ = probe_buffer;
  out_.wire = out_.libssl;
  out_.taken = probe();
  probe_ = nullptr;
  delete probe_buffer;
  return out_.taken || refuse("libssl's records cannot be renumbered");
}

RecordNumber RecordPath::next_number() noexcept { return {out_.wire++, ++out_.explicit_nonce}; }

bool RecordPath::seal(unsigned char type, const Slice* slices, std::size_t count, std::size_t size,
                      unsigned char* record) noexcept {
  if (!make_cipher(out_, RecordCipher::Use::seal) ||
      !out_.cipher.seal(next_number(), type, slices, count, size, record))
    return refuse("sealing failed");
  ++sealed_;
  return true;
}

bool RecordPath::translate(unsigned char* record, std::size_t size) noexcept {
  if (out_.renegotiated) return true;
  if (!out_.taken) {
    count(out_, record[0]);
    follow(out_, record[0]);
    return true;
  }
  RecordCipher opener;
  Opened opened;
  if (!make_cipher(out_, RecordCipher::Use::seal) || !opener.begin(suite_, out_.key, RecordCipher::Use::open) ||
      !is_acceptable(record, size) || !opener.open(out_.libssl++, record, size, opened))
    return refuse("libssl's record is not what was counted");
  const unsigned char type = opened.type;
  if (!out_.cipher.seal_again(next_number(), record, opened.inner)) {
    OPENSSL_cleanse(opened.data, opened.inner);
    return refuse("sealing failed");
  }
  follow(out_, type);
  return true;
}

bool RecordPath::replaces(unsigned char* record, std::size_t record_size, std::size_t size) noexcept {
  RecordCipher opener;
  Opened opened;
  return opener.begin(suite_, out_.key, RecordCipher::Use::open) && is_acceptable(record, record_size) &&
         opener.open(out_.libssl++, record, record_size, opened) && opened.type == kApplicationData &&
         opened.size == size;
}

// ---- Receiving ----

bool RecordPath::begin_receiving() noexcept {
  if (in_.taken) return true;
  if (!can_receive()) return false;
  if (!make_cipher(in_, RecordCipher::Use::open)) {
    usable_ = false;
    reason_ = OPENSSL_PATH_REASON_SUITE;
    return false;
  }
  in_.wire = in_.libssl;
  in_.taken = true;
  return true;
}

// Lengths as libssl bounds them before it opens a record.
bool RecordPath::is_acceptable(const unsigned char* record, std::size_t size) const noexcept {
  return is_whole_record(record, size) && is_acceptable(record);
}

bool RecordPath::is_acceptable(const unsigned char* header) const noexcept {
  if (header[1] != 3 || header[2] != 3) return false;
  const std::size_t size = record_size(header);
  if (suite_.tls13) return header[0] == kApplicationData && size <= kHeader + OPENSSL_MAX_PLAINTEXT + kExpansion13;
  return size <= kHeader + OPENSSL_MAX_PLAINTEXT + kExpansion12;
}

// What is longer than allowed, libssl shall judge.
bool RecordPath::is_data(const Opened& opened) const noexcept {
  const std::size_t longest = OPENSSL_MAX_PLAINTEXT + (suite_.tls13 ? 1 : 0);
  return direct_ && opened.type == kApplicationData && opened.inner <= longest;
}

// libssl makes the alert, from a record with the header that came and a body that cannot be authentic. The body that
// came may be authentic to libssl, whose count lags behind: a record of long ago, replayed.
RecordPath::Input RecordPath::blank(unsigned char* record, std::size_t size) noexcept {
  const std::size_t kept = broken_ ? 0 : kHeader;
  if (size > kept) OPENSSL_cleanse(record + kept, size - kept);
  broken_ = true;
  return Input::for_libssl;
}

RecordPath::Input RecordPath::give_to_libssl(unsigned char* record, std::size_t size, const Opened& opened) noexcept {
  RecordCipher sealer;
  const RecordNumber number = {in_.libssl++, load_big_endian(record + kHeader)};
  if (sealer.begin(suite_, in_.key, RecordCipher::Use::seal) && sealer.seal_again(number, record, opened.inner))
    return Input::for_libssl;
  return blank(record, size);
}

// To libssl, or to who judges in its place.
RecordPath::Input RecordPath::hand_on(unsigned char* record, std::size_t size, const Opened& opened) noexcept {
  if (!ssl_) return Input::control;
  if (opened.type == kHandshake && opened.size > 0 && opened.data[0] == kNewSessionTicket) has_ticket_ = true;
  const Input given = give_to_libssl(record, size, opened);
  if (!broken_) follow(in_, opened.type);
  return given;
}

bool RecordPath::authenticate(unsigned char* record, std::size_t size, Opened& opened) noexcept {
  if (broken_ || !is_acceptable(record, size) || !make_cipher(in_, RecordCipher::Use::open) ||
      !in_.cipher.open(in_.wire, record, size, opened))
    return false;
  ++in_.wire;
  return true;
}

RecordPath::Input RecordPath::open(unsigned char* record, std::size_t size, Opened& opened) noexcept {
  if (!authenticate(record, size, opened)) return ssl_ ? blank(record, size) : Input::refused;
  if (!is_data(opened) || (opened.size == 0 && !counts_empty_)) {
    judges_next_ = true;
    return hand_on(record, size, opened);
  }
  if (opened.size == 0) return ++empty_records_ > kMostEmptyRecords ? Input::flood : Input::empty;
  empty_records_ = 0;
  if (std::exchange(judges_next_, false)) return hand_on(record, size, opened);
  ++opened_;
  return Input::data;
}

void RecordPath::open_for_libssl(unsigned char* record, std::size_t size) noexcept {
  Opened opened;
  if (!authenticate(record, size, opened)) {
    blank(record, size);
    return;
  }
  judges_next_ = !is_data(opened) || opened.size == 0;
  hand_on(record, size, opened);
}

bool RecordPath::seal_for_libssl(const Slice& data, unsigned char* record) noexcept {
  RecordCipher sealer;
  const std::uint64_t number = in_.libssl++;
  if (sealer.begin(suite_, in_.key, RecordCipher::Use::seal) &&
      sealer.seal({number, number}, kApplicationData, &data, 1, data.size, record))
    return true;
  broken_ = true;
  return false;
}

// ---- Without libssl ----

bool RecordPath::can_leave_libssl() const noexcept { return sends() && has_ticket_ && !judges_next_ && !broken_; }

void RecordPath::leave_libssl() noexcept {
  stop_listening_to_keys(ssl_, this);
  ssl_ = nullptr;
}

bool RecordPath::renew(Direction& direction) noexcept {
  direction.wire = 0;
  direction.has_key = false;
  return next_secret(suite_, direction.secret) || refuse("no next key");
}
