// What the layer knows of one SSL: whether its handshake is suspended, and how its program is to be told.
#ifndef COMPAT_SESSION_H
#define COMPAT_SESSION_H

#include <openssl/ssl.h>

#include <chrono>

#include "compat/pending_call.h"
#include "openssl_event/runner.h"

namespace openssl_event::compat {

// Lives in the SSL's ex_data and dies with it. Most SSLs have none: it is made when a handshake is to run on a fiber, or to
// remember something. Used, as its SSL, by one thread at a time.
class Session final : private Runner {
 public:
  static Session* find(const SSL* ssl) noexcept;
  static Session* find_or_make(SSL* ssl) noexcept;  // nullptr without memory

  // Runs function(ssl), a handshake, or goes on with the one that waits; -1 with is_waiting() while it does.
  int handshake(int (*function)(SSL*)) noexcept;

  // A handshake is suspended, and the last answer said so.
  bool is_waiting() const noexcept { return running() && answered_waiting_; }
  bool is_suspended() const noexcept { return running(); }
  // Another call has answered since.
  void forget_answer() noexcept { answered_waiting_ = false; }
  // What that answer is called: WANT_WRITE or WANT_ASYNC; SSL_WRITING or SSL_ASYNC_PAUSED.
  int error() const noexcept { return async_ ? SSL_ERROR_WANT_ASYNC : SSL_ERROR_WANT_WRITE; }
  int want() const noexcept { return async_ ? SSL_ASYNC_PAUSED : SSL_WRITING; }

  // Ends a suspended handshake, as if it had never been: nothing is sent, no callback of the program's is called.
  void abandon() noexcept;

  // SSL_MODE_ASYNC, which libssl does not see.
  void set_async(bool on) noexcept { async_ = on; }
  bool async() const noexcept { return async_; }
  // The descriptor that becomes readable when the operation is done; -1: none.
  int async_fd() const noexcept { return async_fd_; }
  bool async_fd_changed() const noexcept { return async_fd_ >= 0 && !async_fd_known_; }
  void note_async_fd() noexcept { async_fd_known_ = true; }

  // libssl calls this SSL's handshake from inside (BIO_f_ssl), or with buffers of the program's (early data): never suspend.
  void set_never_suspends() noexcept { never_suspends_ = true; }
  bool never_suspends() const noexcept { return never_suspends_; }

  // References that the layer has seen made beside the first one.
  void add_reference() noexcept { ++extra_references_; }
  bool drop_reference() noexcept { return extra_references_ > 0 && extra_references_-- > 0; }

 private:
  explicit Session(SSL* ssl) noexcept : ssl_(ssl) {}
  ~Session();
  static void run(void* session) noexcept;
  static void end(void* parent, void* session, CRYPTO_EX_DATA*, int, long, void*) noexcept;
  static int index() noexcept;
  void call_out(Event* call) noexcept override;
  Wake wake() noexcept;
  bool reply_is_here() noexcept;
  int conclude(Outcome outcome) noexcept;

  SSL* ssl_;
  int (*function_)(SSL*) = nullptr;
  int value_ = 0;
  PendingCall* pending_ = nullptr;
  unsigned retries_ = 0;
  std::chrono::microseconds pause_{};
  unsigned extra_references_ = 0;
  int async_fd_ = -1;
  bool async_fd_known_ = false;
  bool async_ = false;
  bool never_suspends_ = false;
  bool answered_waiting_ = false;
};

}  // namespace openssl_event::compat

#endif
