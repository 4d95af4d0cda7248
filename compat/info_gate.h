// The program's info callback, kept away from a handshake that ends without the program's doing.
#ifndef COMPAT_INFO_GATE_H
#define COMPAT_INFO_GATE_H

#include <openssl/ssl.h>

namespace openssl_event::compat {

// libssl reads the info callback when a handshake begins, and calls it when that ends, also if it only ends because its SSL is
// being freed, when the program may not be called any more. So a gate stands in its place while libssl runs on a fiber.
class InfoGate {
 public:
  using Callback = void (*)(const SSL* ssl, int where, int value);

  // Around each run of libssl on the fiber.
  void stand_in(SSL* ssl) noexcept;
  void step_aside(SSL* ssl) noexcept;
  // Nothing passes until it is opened.
  void close() noexcept { closed_ = true; }
  void open() noexcept { closed_ = false; }

  // The program's, of the SSL itself.
  Callback callback(const SSL* ssl) const noexcept;
  void pass(const SSL* ssl, int where, int value) const noexcept;

 private:
  Callback of_ssl_ = nullptr;
  Callback at_start_ = nullptr;  // that, or the context's of then
  bool closed_ = false;
};

}  // namespace openssl_event::compat

#endif
