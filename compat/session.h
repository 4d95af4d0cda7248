// What the layer knows of one SSL: whether its handshake is suspended, how its program is to be told, and which way its data
// takes.
#ifndef COMPAT_SESSION_H
#define COMPAT_SESSION_H

#include <openssl/ssl.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

#include "compat/data_path.h"
#include "compat/info_gate.h"
#include "compat/pending_call.h"
#include "compat/pool.h"
#include "compat/shared.h"
#include "openssl_event/runner.h"

namespace openssl_event::compat {

// Lives in the SSL's ex_data and dies with it. Used, as its SSL, by one thread at a
// time, but for the references.
class Session final : private Runner {
 public:
  static Session* find(const SSL* ssl) noexcept;
  static Session* find_or_make(SSL* ssl) noexcept;  // nullptr without memory
  static void take_index() noexcept { index(); }

  // Runs function(ssl), a handshake, or goes on with the one that waits; -1 with is_waiting() while it does.
  int handshake(int (*function)(SSL*)) noexcept;
  // Answers a handshake, instead of libssl, as if the peer's first record were still to come: its socket is not watched yet.
  // False: it was so answered before.
  bool put_off() noexcept;

  SSL* ssl() const noexcept { return ssl_; }

  // The last answer was that a handshake waits, and not libssl's.
  bool is_waiting() const noexcept { return answered_waiting_; }
  bool is_suspended() const noexcept { return running(); }
  // This thread's stack is that of this SSL's handshake: it is libssl, or a callback, that calls.
  bool runs_here() const noexcept { return Runner::current() == this; }
  // Another call has answered since.
  void forget_answer() noexcept { answered_waiting_ = false; }
  // In OpenSSL 4.0 SSL_get_error remembers it until a function of libssl begins; the one that is suspended has begun before.
  void note_refused_shutdown() noexcept { shutdown_refused_ = running() && OPENSSL_VERSION_MAJOR >= 4; }
  // What that answer is called: of a handshake that is suspended WANT_WRITE or WANT_ASYNC; of one put off WANT_READ.
  int error() const noexcept {
    return !running() ? SSL_ERROR_WANT_READ : async_ ? SSL_ERROR_WANT_ASYNC : SSL_ERROR_WANT_WRITE;
  }
  int want() const noexcept { return !running() ? SSL_READING : async_ ? SSL_ASYNC_PAUSED : SSL_WRITING; }

  // Ends a suspended handshake, as if it had never been: nothing is sent, no callback of the program's is called.
  void abandon() noexcept;
  // From here on libssl drives this SSL's handshakes from inside (BIO_f_ssl), or with buffers of the program's (early
  // data): they wait where they stand, and so does, here, one that is suspended.
  void never_suspend() noexcept;
  bool never_suspends() const noexcept { return never_suspends_; }
  // The same for one call of libssl's, while this lives. No handshake is suspended.
  class WaitsHere {
   public:
    explicit WaitsHere(Session* session) noexcept
        : session_(session), before_(session && std::exchange(session->never_suspends_, true)) {}
    ~WaitsHere() {
      if (session_) session_->never_suspends_ = before_;
    }
    WaitsHere(const WaitsHere&) = delete;
    WaitsHere& operator=(const WaitsHere&) = delete;

   private:
    Session* session_;
    const bool before_;
  };

  // SSL_MODE_ASYNC, which libssl does not see.
  void set_async(bool on) noexcept { async_ = on; }
  bool async() const noexcept { return async_; }
  // The descriptor that becomes readable when the operation is done; -1: none.
  int async_fd() const noexcept { return async_fd_; }
  // It is new in the present wait.
  bool async_fd_is_new() const noexcept { return async_fd_ >= 0 && async_fd_is_new_; }

  // The info callback that the program has set on the SSL.
  InfoGate::Callback info_callback() const noexcept { return info_.callback(ssl_); }
  void pass_info(int where, int value) const noexcept { info_.pass(ssl_, where, value); }

  // Its data's own way; nullptr: libssl moves the data.
  DataPath* data_path() const noexcept { return data_path_.get(); }
  void watch_data() noexcept { data_path_.reset(DataPath::create(ssl_)); }
  void leave_data() noexcept { data_path_.reset(); }

  // References beside the first one. Any thread.
  void add_reference() noexcept { ++extra_references_; }
  // True: it was the last one.
  bool drop_reference() noexcept { return extra_references_-- == 0; }

 private:
  explicit Session(SSL* ssl) noexcept : ssl_(ssl) { engine_ = worker_engine(); }
  ~Session();
  static void run(void* session) noexcept;
  static void end(void* parent, void* session, CRYPTO_EX_DATA*, int, long, void*) noexcept;
  static int index() noexcept;
  void call_out(Event* call) noexcept override;
  bool is_to_begin_anew() noexcept;
  Outcome run_or_go_on(int (*function)(SSL*)) noexcept;
  bool reply_is_here() noexcept;
  bool wait_a_little() noexcept;
  void take_reply() noexcept;
  Wake wake() noexcept;

  SSL* ssl_;
  int (*function_)(SSL*) = nullptr;
  int value_ = 0;
  PendingCall* pending_ = nullptr;
  InfoGate info_;
  std::unique_ptr<DataPath> data_path_;
  unsigned answers_ = 0;  // that this wait has given
  std::chrono::microseconds pause_{};
  std::atomic<int> extra_references_{0};
  int async_fd_ = -1;
  bool async_fd_is_new_ = false;
  bool async_ = false;
  bool never_suspends_ = false;
  bool was_put_off_ = false;
  Shared<bool> answered_waiting_;
  bool shutdown_refused_ = false;  // since it was suspended
};

}  // namespace openssl_event::compat

#endif
