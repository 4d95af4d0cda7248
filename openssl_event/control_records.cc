#include "openssl_event/control_records.h"

#include <openssl/sslerr.h>

#include <algorithm>

namespace openssl_event {
namespace {

using Kind = Verdict::Kind;

constexpr unsigned char kWarning = 1;  // AlertLevel, RFC 8446 6
constexpr unsigned char kFatal = 2;
constexpr std::size_t kAlertSize = 2;      // level, description
constexpr unsigned kMostWarnings = 5;      // libssl's MAX_WARN_ALERT_COUNT
constexpr std::size_t kKeyUpdateSize = 1;  // request_update
// A NewSessionTicket with a ticket and extensions of the greatest length (RFC 8446 4.6.1).
constexpr std::size_t kLongestTicket = 131338;

constexpr std::size_t kHeader = OPENSSL_RECORD_HEADER_SIZE;
constexpr std::size_t kExpansion13 = 256;  // RFC 8446 5.2

Verdict fails(int alert, int reason) noexcept { return {Kind::failure, alert, reason}; }
Verdict is(Kind kind) noexcept { return {kind, 0, 0}; }

}  // namespace

Verdict ControlRecords::record(const Opened& opened) noexcept {
  if (opened.size > OPENSSL_MAX_PLAINTEXT) return fails(SSL_AD_RECORD_OVERFLOW, SSL_R_DATA_LENGTH_TOO_LONG);
  if (opened.type != kHandshake && seen_ > 0 && seen_ < kMessageHeader)
    return fails(SSL_AD_UNEXPECTED_MESSAGE, SSL_R_MIXED_HANDSHAKE_AND_NON_HANDSHAKE_DATA);
  switch (opened.type) {
    case kHandshake:
      return handshake(opened.data, opened.size);
    case kAlert:
      return alert(opened.data, opened.size);
    case kApplicationData:
      warnings_ = 0;
      return seen_ ? fails(SSL_AD_UNEXPECTED_MESSAGE, SSL_R_UNEXPECTED_RECORD) : is(Kind::data);
    default:
      return fails(SSL_AD_UNEXPECTED_MESSAGE, tls13_ ? SSL_R_BAD_RECORD_TYPE : SSL_R_UNEXPECTED_RECORD);
  }
}

Verdict ControlRecords::refused(const unsigned char* record, std::size_t size) const noexcept {
  if (size < kHeader || record[1] != 3 || (!tls13_ && record[2] != 3))
    return fails(SSL_AD_PROTOCOL_VERSION, SSL_R_WRONG_VERSION_NUMBER);
  if (tls13_ && record[0] != kApplicationData) return fails(SSL_AD_UNEXPECTED_MESSAGE, SSL_R_BAD_RECORD_TYPE);
  if (record[2] != 3) return fails(SSL_AD_DECODE_ERROR, SSL_R_WRONG_VERSION_NUMBER);
  if ((std::size_t{record[3]} << 8 | record[4]) > OPENSSL_MAX_PLAINTEXT + kExpansion13)
    return fails(SSL_AD_RECORD_OVERFLOW, SSL_R_PACKET_LENGTH_TOO_LONG);
  return fails(SSL_AD_BAD_RECORD_MAC, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC);
}

// ---- Alerts: RFC 8446 6, RFC 5246 7.2 ----

// In TLS 1.3 the description alone says what an alert means.
Verdict ControlRecords::alert(const unsigned char* data, std::size_t size) noexcept {
  if (tls13_ && size == 0) return fails(SSL_AD_UNEXPECTED_MESSAGE, SSL_R_BAD_LENGTH);
  if (size != kAlertSize) return fails(SSL_AD_UNEXPECTED_MESSAGE, SSL_R_INVALID_ALERT);
  const int level = data[0], description = data[1];
  if (tls13_ ? description == SSL_AD_USER_CANCELLED : level == kWarning) return warning(description);
  if (tls13_ && description == SSL_AD_CLOSE_NOTIFY) return is(Kind::close_notify);
  if (tls13_ || level == kFatal) return {Kind::fatal_alert, description, 0};
  return fails(SSL_AD_ILLEGAL_PARAMETER, SSL_R_UNKNOWN_ALERT_TYPE);
}

Verdict ControlRecords::warning(int description) noexcept {
  if (++warnings_ == kMostWarnings) return fails(SSL_AD_UNEXPECTED_MESSAGE, SSL_R_TOO_MANY_WARN_ALERTS);
  if (description == SSL_AD_CLOSE_NOTIFY) return is(Kind::close_notify);
  if (description == SSL_AD_NO_RENEGOTIATION) return fails(SSL_AD_HANDSHAKE_FAILURE, SSL_R_NO_RENEGOTIATION);
  return is(Kind::nothing);
}

// ---- Handshake messages, which may be cut into records in any way ----

Verdict ControlRecords::handshake(const unsigned char* data, std::size_t size) noexcept {
  if (size == 0) return fails(SSL_AD_UNEXPECTED_MESSAGE, SSL_R_BAD_LENGTH);
  warnings_ = 0;
  Verdict last = is(Kind::nothing);
  while (size > 0) {
    const std::size_t taken = take(data, size);
    data += taken;
    size -= taken;
    if (seen_ == kMessageHeader) {
      const Verdict verdict = begin_message();
      if (verdict.kind == Kind::failure) return verdict;
    }
    if (seen_ < kMessageHeader || seen_ < kMessageHeader + body_size()) continue;
    last = end_message(size);
    if (last.kind == Kind::failure) return last;
    seen_ = 0;
  }
  return last;
}

// A byte of what is looked at, or as much as there is of what is not.
std::size_t ControlRecords::take(const unsigned char* data, std::size_t size) noexcept {
  std::size_t taken = 1;
  if (seen_ < sizeof head_)
    head_[seen_] = *data;
  else
    taken = std::min(size, kMessageHeader + body_size() - seen_);
  seen_ += taken;
  return taken;
}

std::size_t ControlRecords::body_size() const noexcept {
  return std::size_t{head_[1]} << 16 | std::size_t{head_[2]} << 8 | head_[3];
}

bool ControlRecords::is_expected() const noexcept {
  if (tls13_) return head_[0] == kKeyUpdate || (head_[0] == kNewSessionTicket && !server_);
  return head_[0] == (server_ ? kClientHello : kHelloRequest);
}

Verdict ControlRecords::begin_message() const noexcept {
  if (!is_expected()) return fails(SSL_AD_UNEXPECTED_MESSAGE, SSL_R_UNEXPECTED_MESSAGE);
  const std::size_t longest = head_[0] == kKeyUpdate ? kKeyUpdateSize : kLongestTicket;
  if (body_size() > longest) return fails(SSL_AD_ILLEGAL_PARAMETER, SSL_R_EXCESSIVE_MESSAGE_SIZE);
  return is(Kind::nothing);
}

// `left`: bytes of the record behind it.
Verdict ControlRecords::end_message(std::size_t left) const noexcept {
  if (!tls13_) return is(Kind::renegotiation);
  if (head_[0] == kNewSessionTicket) return is(Kind::nothing);
  if (left > 0) return fails(SSL_AD_UNEXPECTED_MESSAGE, SSL_R_NOT_ON_RECORD_BOUNDARY);
  if (body_size() != kKeyUpdateSize) return fails(SSL_AD_DECODE_ERROR, SSL_R_BAD_KEY_UPDATE);
  switch (head_[kMessageHeader]) {
    case SSL_KEY_UPDATE_NOT_REQUESTED:
      return is(Kind::key_update);
    case SSL_KEY_UPDATE_REQUESTED:
      return is(Kind::key_update_requested);
    default:
      return fails(SSL_AD_ILLEGAL_PARAMETER, SSL_R_BAD_KEY_UPDATE);
  }
}

}  // namespace openssl_event
