// Says on stderr what of the server's own makes connections fail: a token that is gone, a PIN that is wrong, a store without
// an answer, no memory. A line a second at the most; /metrics counts all.
#ifndef EXAMPLES_HTTPS_SERVER_COMPLAINTS_H
#define EXAMPLES_HTTPS_SERVER_COMPLAINTS_H

#include <chrono>

#include "openssl_event/openssl_event.h"

namespace https {

class Complaints {
 public:
  // Of a connection that has ended by an error.
  void add(const char* program, const OPENSSL_STATUS& status);

 private:
  std::chrono::steady_clock::time_point next_{};  // not before
};

}  // namespace https

#endif
