// One connection: takes events out of its machine, and puts HTTP answers in. It does no I/O; whoever owns it moves the
// bytes, by epoll here (epoll_loop.cc), by anything else elsewhere:
//
//     network --> input_space/received --> run() --> gather/sent --> network
//                                            |
//                                   calls to the workers, back by take_back()
#ifndef EXAMPLES_HTTPS_SERVER_CONNECTION_H
#define EXAMPLES_HTTPS_SERVER_CONNECTION_H

#include <sys/uio.h>

#include <cstddef>

#include "examples/https_server/pages.h"
#include "examples/https_server/request.h"
#include "examples/https_server/response.h"
#include "examples/https_server/shared.h"
#include "openssl_event/openssl_event.h"

namespace https {

class Connection {
 public:
  // `transport` is whatever the owner wants to find again by transport().
  Connection(Shared& shared, void* transport);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  bool valid() const { return tls_ != nullptr; }  // false: no memory
  void* transport() const { return transport_; }

  // Bytes from the network: read into the space, at most *room of them, and say how many came; false: no memory.
  char* input_space(std::size_t* room) { return openssl_inputSpace(tls_, room); }
  bool received(std::size_t len);
  void input_ended();  // the transport will bring no more
  bool wants_input() const { return openssl_wants(tls_) & OPENSSL_WANTS_RECORD; }

  // Does all that can be done now. After received, input_ended, sent, take_back and close_when_done.
  void run();

  // Bytes for the network.
  int gather(iovec* slices, int max) const { return openssl_gather(tls_, slices, max); }
  std::size_t unsent() const { return openssl_unsent(tls_); }
  void sent(std::size_t len) { openssl_markSent(tls_, len); }

  bool established() const { return established_; }
  bool peer_closed() const { return peer_closed_; }  // by close_notify
  bool waits_for_call() const { return openssl_wants(tls_) & OPENSSL_WANTS_REPLY; }
  bool finished() const { return (output_closed_ || failed_) && unsent() == 0; }  // nothing will ever be sent any more
  void close_when_done() { close_after_answer_ = true; }

  // The owner is about to destroy it before its end: `why` goes into the metrics if the handshake had not finished.
  void give_up(const char* why);

  // A call comes home from the workers. The connection that it belongs to, to be run, or nullptr if that is gone.
  static Connection* take_back(Shared& shared, OPENSSL_EVENT* call);

 private:
  void take_events();
  void execute(OPENSSL_EVENT* call);
  void note_executed(const OPENSSL_ENGINE_CALL& call) { sign_thread_ = call.thread; }
  void note_status(const OPENSSL_STATUS& status);
  bool answer();
  bool read_request();
  void start_answer(const Answer& answer, bool keep_alive);
  bool put_block();
  void give_back_cleartext();
  bool close_if_done();

  Shared& shared_;
  void* const transport_;
  unsigned long number_;  // for the trace
  openssl_t* tls_ = nullptr;
  unsigned long sign_thread_ = 0;

  RequestReader reader_;
  Response response_;
  OPENSSL_EVENT* cleartext_ = nullptr;  // CLEARTEXT_OUT that is being read; the next one comes when it is given back
  std::size_t cleartext_used_ = 0;
  int blocks_out_ = 0;                  // CLEARTEXT_INs that the machine has
  bool head_request_ = false;

  bool established_ = false;
  bool answered_ = false;               // at least one request
  bool close_after_answer_ = false;
  bool peer_closed_ = false;            // close_notify received
  bool transport_ended_ = false;
  bool transport_end_told_ = false;     // to the machine
  bool output_closing_ = false;
  bool output_closed_ = false;
  bool failed_ = false;
};

}  // namespace https

#endif
