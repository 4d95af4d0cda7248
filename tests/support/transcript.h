// The events of one machine as lines of text, the same in each run: lengths that vary with keys and versions are left
// out.
#ifndef TESTS_SUPPORT_TRANSCRIPT_H
#define TESTS_SUPPORT_TRANSCRIPT_H

#include <string>

#include "openssl_event/openssl_event.h"

namespace openssl_event::testing {

// Records from its construction on; must outlive the machine. Every event got is a line, and every CLEARTEXT_IN and
// ENGINE_CALL_IN put: when a RECORD_IN is put depends on how the network cuts it, when it comes back does not.
class Transcript {
 public:
  explicit Transcript(openssl_t* tls);
  Transcript(const Transcript&) = delete;
  Transcript& operator=(const Transcript&) = delete;

  const std::string& text() const { return text_; }

 private:
  static void note(void* transcript, openssl_t* tls, int direction, const OPENSSL_EVENT* e);
  std::string text_;
};

}  // namespace openssl_event::testing

#endif
