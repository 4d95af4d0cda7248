// What every event loop does with a connection, whatever it waits with: bytes become records, events go to whom they
// concern, calls go to the workers and come home. It does no I/O; a loop is what is left to write (docs/loops.md):
//
//     network --> input_space/received --> run() --> gather/sent --> network
//                                            |
//                                   calls to the workers, back by take_back()
#ifndef ADAPTERS_LOOP_SESSION_H
#define ADAPTERS_LOOP_SESSION_H

#include <sys/uio.h>

#include <chrono>
#include <cstddef>
#include <optional>

#include "engine_workers/engine_workers.h"
#include "openssl_event/openssl_event.h"

namespace loop {

// Where the engine calls of a loop's sessions are executed. Outlives the sessions.
struct Calls {
  openssl_workers_t* workers = nullptr;          // nullptr: in place
  openssl_completions_t* completions = nullptr;  // where calls come home from workers, and from engines that start them
};

// Who makes something of what comes out of a session. Called by Session::run only.
class User {
 public:
  // The block is the user's until it gives it back to the machine by openssl_putEvent.
  virtual void cleartext(OPENSSL_EVENT* block) = 0;
  // A CLEARTEXT_IN whose bytes are in records; to be freed, or used again.
  virtual void written(OPENSSL_EVENT* block) = 0;
  // After the session itself has noted it.
  virtual void status(const OPENSSL_STATUS& status) = 0;
  // A call has been executed: in place, which took so long, or, without a duration, by a worker.
  virtual void executed(const OPENSSL_ENGINE_CALL& call, std::optional<std::chrono::nanoseconds> in_place) = 0;
  // The user's until it is answered and goes back, by openssl_returnEvent or by the completions.
  virtual void lookup(OPENSSL_EVENT* question) {
    openssl_answerDefault(question);
    openssl_returnEvent(question);
  }

 protected:
  ~User() = default;
};

// Memory of a loop's own that received bytes lie in, as io_uring's provided buffers. In use until it has been released as
// often as it was used. By the loop's thread only.
class Buffer {
 public:
  void use() { ++uses_; }
  void release() {
    if (--uses_ == 0) unused();
  }

 protected:
  ~Buffer() = default;
  virtual void unused() = 0;

 private:
  int uses_ = 0;
};

// All members by the thread that has the session.
class Session {
 public:
  // For an SSL as openssl_new wants it, which the session has a reference to; nullptr is a failure, as no memory is.
  Session(SSL* ssl, const Calls& calls, User& user);
  // A call that is out stays with its worker and comes back cancelled: see take_back.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  bool valid() const { return tls_ != nullptr; }
  openssl_t* tls() const { return tls_; }
  User& user() const { return user_; }

  // Bytes from the network: read into the space, at most *room of them, and say how many came; false: no memory.
  char* input_space(std::size_t* room) { return openssl_inputSpace(tls_, room); }
  bool received(std::size_t len);

  // Bytes from the network that lie in a buffer of the loop's. A record that is whole becomes a RECORD_IN where it lies, which
  // uses the buffer; the others are copied. With no buffer to use, nullptr, all are.
  bool received(char* bytes, std::size_t len, Buffer* buffer);

  void input_ended();  // the transport brings no more
  bool wants_input() const { return openssl_wants(tls_) & OPENSSL_WANTS_RECORD; }

  // Does all that can be done now, and hands the user what comes of it.
  void run();

  // Bytes for the network. They stay where they are until they are marked as sent.
  int gather(iovec* slices, int max) const { return openssl_gather(tls_, slices, max); }
  std::size_t unsent() const { return openssl_unsent(tls_); }
  void sent(std::size_t len) { openssl_markSent(tls_, len); }

  bool established() const { return established_; }  // the handshake has finished
  bool peer_closed() const { return peer_closed_; }  // by close_notify
  bool failed() const { return failed_; }
  bool ended() const { return failed_ || peer_closed_ || input_ended_; }  // nothing can come any more that matters
  bool waits_for_call() const { return openssl_wants(tls_) & OPENSSL_WANTS_REPLY; }
  bool finished() const { return (output_closed_ || failed_) && unsent() == 0; }  // nothing will be sent any more
  void fail() { failed_ = true; }  // the owner gives it up

  // Gives back a call or lookup that was collected. Returns the session that it belongs to, to be run; nullptr: that is gone.
  static Session* take_back(OPENSSL_EVENT* call);

 private:
  OPENSSL_EVENT* record_in_place(char* bytes, std::size_t len, Buffer& buffer);
  void execute(OPENSSL_EVENT* call);
  void note(const OPENSSL_STATUS& status);

  const Calls& calls_;
  User& user_;
  openssl_t* tls_ = nullptr;
  bool framing_ = true;  // the framer has part of a record, or has still to judge the first one
  bool established_ = false;
  bool peer_closed_ = false;
  bool input_ended_ = false;
  bool output_closed_ = false;
  bool failed_ = false;
};

}  // namespace loop

#endif
