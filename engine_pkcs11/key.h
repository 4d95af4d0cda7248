// A key in a token, and the execution of calls on it.
#ifndef ENGINE_PKCS11_KEY_H
#define ENGINE_PKCS11_KEY_H

#include <atomic>

#include "engine_pkcs11/token.h"
#include "engine_pkcs11/uri.h"
#include "openssl_event/openssl_event.h"

namespace openssl_event::pkcs11 {

class Key {
 public:
  Key() = default;
  ~Key() { delete token_.load(); }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;

  bool parse(const char* uri) noexcept { return uri_.parse(uri); }

  // As OPENSSL_ENGINE::call.
  static int call(OPENSSL_EVENT* e) noexcept;
  // At the end of the process, before OpenSSL is cleaned up: no more calls; then an end of those that are being made.
  void refuse() noexcept;
  void close(std::chrono::steady_clock::time_point deadline) noexcept;

 private:
  Token& token();
  bool execute(OPENSSL_EVENT* e);

  Uri uri_;
  std::atomic<bool> closed_{false};
  std::atomic<Token*> token_{nullptr};  // of this process; that of a parent is left as it was at the fork
};

}  // namespace openssl_event::pkcs11

#endif
