// The classic API on a connection whose network core works by events: see compat.h.
#ifndef COMPAT_BY_EVENTS_H
#define COMPAT_BY_EVENTS_H

#include <openssl/ssl.h>

#include <atomic>
#include <cstddef>

#include "openssl_event/connection.h"

namespace openssl_event::compat {

// Lives in the SSL's ex_data and dies with it, which may be after the connection. Used on the connection's thread.
class ByEvents {
 public:
  // That of `ssl`, if it has been enabled and it is neither this library nor a callback of libssl's that calls; else nullptr.
  static ByEvents* of(const SSL* ssl) noexcept { return in_use_.load(std::memory_order_relaxed) ? find_idle(ssl) : nullptr; }
  static ByEvents* find(const SSL* ssl) noexcept;
  static bool enable(SSL* ssl) noexcept;

  bool give(Event* e) noexcept;

  // As SSL_read_ex, SSL_write_ex, SSL_do_handshake, SSL_shutdown. After a result of 0 or less, error() and want() tell.
  int read(void* buf, std::size_t size, std::size_t* taken, bool peeks) noexcept;
  int write(const void* buf, std::size_t size, std::size_t* written) noexcept;
  int handshake() noexcept;
  int shutdown() noexcept;

  std::size_t pending() const noexcept { return pending_; }
  int error() const noexcept { return error_; }
  int want() const noexcept;

 private:
  struct Unsent;
  struct Block;

  ByEvents(SSL* ssl, Unsent* unsent) noexcept : ssl_(ssl), unsent_(unsent) {}
  ~ByEvents();
  static ByEvents* find_idle(const SSL* ssl) noexcept;
  static int index() noexcept;
  static void end(void*, void* self, CRYPTO_EX_DATA*, int, long, void*) noexcept;
  Connection* connection() const noexcept { return Connection::of(ssl_); }
  std::size_t copy(void* buf, std::size_t size) const noexcept;
  void consume(std::size_t size) noexcept;
  int lacks(int error) noexcept;
  int fails() noexcept;

  SSL* ssl_;
  Unsent* unsent_;               // bytes that SSL_write has taken and the machine has not sent
  Event* first_ = nullptr;       // CLEARTEXT_OUTs that SSL_read has not taken, through completion_next
  Event* last_ = nullptr;
  std::size_t offset_ = 0;       // bytes taken of the first one
  std::size_t pending_ = 0;      // bytes left in all of them
  unsigned long code_ = 0;       // of the error that has ended the connection
  int error_ = SSL_ERROR_NONE;   // of the last answer
  bool closed_ = false;          // close_notify
  bool failed_ = false;

  static std::atomic<bool> in_use_;
};

}  // namespace openssl_event::compat

#endif
