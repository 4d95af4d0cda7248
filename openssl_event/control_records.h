// Records that are not application data, for a connection without an SSL: what libssl would make of them.
#ifndef OPENSSL_EVENT_CONTROL_RECORDS_H
#define OPENSSL_EVENT_CONTROL_RECORDS_H

#include <cstddef>

#include "openssl_event/record_cipher.h"

namespace openssl_event {

struct Verdict {
  enum class Kind {
    nothing,               // it has been dealt with
    data,                  // application data, at a place where it may be
    close_notify,          // no more comes
    key_update,            // the next record of the peer has the next key
    key_update_requested,  // the same, and it wants one of us
    renegotiation,         // wanted by the peer: to be declined
    fatal_alert,           // the connection is dead, for `alert` that was received
    failure                // it must die, with `alert` to be sent and `reason`
  };
  Kind kind;
  int alert;   // AlertDescription
  int reason;  // SSL_R_*
};

class ControlRecords {
 public:
  ControlRecords(bool tls13, bool server) noexcept : tls13_(tls13), server_(server) {}

  // An authentic record; application data only where anything else came before it.
  Verdict record(const Opened& opened) noexcept;
  // One whose header is not acceptable, or which is not authentic.
  Verdict refused(const unsigned char* record, std::size_t size) const noexcept;

 private:
  static constexpr std::size_t kMessageHeader = 4;  // type, length (RFC 8446 4)

  Verdict alert(const unsigned char* data, std::size_t size) noexcept;
  Verdict warning(int description) noexcept;
  Verdict handshake(const unsigned char* data, std::size_t size) noexcept;
  std::size_t take(const unsigned char* data, std::size_t size) noexcept;
  std::size_t body_size() const noexcept;
  bool is_expected() const noexcept;
  Verdict begin_message() const noexcept;
  Verdict end_message(std::size_t left) const noexcept;

  bool tls13_;
  bool server_;
  unsigned warnings_ = 0;                        // alerts, with nothing else between them
  std::size_t seen_ = 0;                         // bytes of the message that is coming
  unsigned char head_[kMessageHeader + 1] = {};  // the first of them
};

}  // namespace openssl_event

#endif
