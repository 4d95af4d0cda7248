// One HTTPS connection: what comes out of its session becomes requests, and answers go in. It does no I/O; whoever owns
// it moves the bytes through the session, by epoll (epoll_loop.cc), by io_uring, or by anything else.
#ifndef EXAMPLES_HTTPS_SERVER_CONNECTION_H
#define EXAMPLES_HTTPS_SERVER_CONNECTION_H

#include <cstddef>
#include <cstdint>

#include "adapters/loop/session.h"
#include "examples/https_server/pages.h"
#include "examples/https_server/request.h"
#include "examples/https_server/response.h"
#include "examples/https_server/shared.h"
#include "openssl_event/openssl_event.h"

namespace https {

class Connection final : private loop::User {
 public:
  // `transport` is whatever the owner wants to find again by transport().
  Connection(Shared& shared, void* transport);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  bool valid() const { return session_.valid(); }  // false: no memory
  void* transport() const { return transport_; }

  // For bytes in and out, and queries.
  loop::Session& session() { return session_; }
  const loop::Session& session() const { return session_; }

  void input_ended();  // the transport will bring no more

  // Does all that can be done now. After bytes came or went, input_ended, take_back and close_when_done.
  void run();

  // Its time is up; a head that has begun is answered by 408.
  void close_when_done();

  // Grows when the client gets on: with the beginning of a head, its end, and bytes of a body, but not with each byte of a
  // head, so that a head has its time as a whole.
  unsigned long progress() const { return progress_; }

  // The owner is about to destroy it before its end: `why` goes into the metrics if the handshake had not finished.
  void give_up(const char* why);

  // A call comes home from the workers. The connection that it belongs to, to be run, or nullptr if that is gone.
  static Connection* take_back(Shared& shared, OPENSSL_EVENT* call);

 private:
  void cleartext(OPENSSL_EVENT* block) override;
  void written(OPENSSL_EVENT* block) override;
  void status(const OPENSSL_STATUS& status) override;
  void executed(const OPENSSL_ENGINE_CALL& call, std::optional<std::chrono::nanoseconds> in_place) override;
  void lookup(OPENSSL_EVENT* question) override { shared_.lookups->answer(question); }

  bool answer();
  bool read_request();
  void start_answer(const Answer& answer, After after);
  bool put_block();
  void give_back_cleartext();
  bool close_if_done();

  Shared& shared_;
  void* const transport_;
  unsigned long number_;  // for the trace
  unsigned long sign_thread_ = 0;

  RequestReader reader_;
  Response response_;
  OPENSSL_EVENT* cleartext_ = nullptr;  // CLEARTEXT_OUT that is being read; the next one comes when it is given back
  std::size_t cleartext_used_ = 0;
  int blocks_out_ = 0;                  // CLEARTEXT_INs that the machine has
  bool head_request_ = false;

  unsigned long progress_ = 0;
  std::uint64_t answers_ = 0;           // that have begun
  std::uint64_t bytes_answered_ = 0;    // in records
  bool close_after_answer_ = false;
  bool transport_ended_ = false;
  bool transport_end_told_ = false;     // to the machine
  bool output_closing_ = false;

  loop::Session session_;  // last: it uses what stands above
};

}  // namespace https

#endif
