// What a connection keeps of an SSL that it has freed, see openssl_releaseSsl.
#ifndef OPENSSL_EVENT_WITHOUT_SSL_H
#define OPENSSL_EVENT_WITHOUT_SSL_H

#include "openssl_event/control_records.h"
#include "openssl_event/openssl_event.h"

namespace openssl_event {

// One allocation: this struct, then the strings of `negotiated`.
struct WithoutSsl {
  ControlRecords control;
  OPENSSL_NEGOTIATED negotiated;
  bool ignores_eof;         // SSL_OP_IGNORE_UNEXPECTED_EOF
  bool answer_due = false;  // the peer has asked for a KeyUpdate

  // nullptr without memory.
  static WithoutSsl* create(SSL* ssl, const OPENSSL_NEGOTIATED& negotiated) noexcept;
  void destroy() noexcept;
};

}  // namespace openssl_event

#endif
