// A machine on a socket: a poll loop of one thread, whose engine calls are executed by the threads of a pool.
#ifndef TESTS_INTEROP_CONNECTION_H
#define TESTS_INTEROP_CONNECTION_H

#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "openssl_event/openssl_event.h"
#include "tests/interop/child.h"

namespace openssl_event::interop {

class Connection {
 public:
  // Takes both over.
  Connection(SSL* ssl, int socket);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  openssl_t* machine() const { return tls_; }

  // Serves the connection, and reads what `child` says, until done(). False: there is nothing left that could make it
  // true, or kPatienceSeconds have gone.
  bool run_until(const std::function<bool()>& done, Child* child = nullptr);
  bool run_until_established(Child* child = nullptr) {
    return run_until([this] { return handshakes_ > 0; }, child);
  }
  bool run_until_received(std::string_view text, Child* child = nullptr) {
    return run_until([this, text] { return received_.find(text) != std::string::npos; }, child);
  }

  void send(std::string_view bytes);
  void close() { openssl_closeOutput(tls_); }

  // Answers each lookup, on a thread of its own; else they get the default answer.
  std::function<void(OPENSSL_EVENT*)> on_lookup;

  const std::string& received() const { return received_; }
  int handshakes() const { return handshakes_; }
  int key_updates() const { return key_updates_; }
  bool close_notify_received() const { return closed_in_; }
  bool close_notify_sent() const { return closed_out_ && openssl_unsent(tls_) == 0; }
  int failure() const { return failure_; }  // OPENSSL_REASON_*
  int calls_on_workers() const { return calls_on_workers_; }
  int calls_here() const { return calls_here_; }
  int lookups() const { return lookups_; }
  OPENSSL_NEGOTIATED negotiated() const;
  // What has happened, for the message of a failed test.
  const std::string& log() const { return log_; }

 private:
  void serve();
  void handle(OPENSSL_EVENT* e);
  void answer(OPENSSL_EVENT* e);
  void note_status(const OPENSSL_STATUS& status);
  void read_socket();
  void write_socket();
  void collect_calls();
  void wait(const Child* child);
  bool is_over(const Child* child) const;

  openssl_t* tls_;
  int socket_;
  openssl_completions_t* completions_;
  bool input_ended_ = false, socket_broken_ = false;
  bool closed_in_ = false, closed_out_ = false;
  int handshakes_ = 0, key_updates_ = 0, failure_ = OPENSSL_REASON_NONE;
  int calls_on_workers_ = 0, calls_here_ = 0, lookups_ = 0;
  std::vector<std::thread> answering_;
  std::string received_;
  std::string log_;
};

// A loopback port of the system's choice.
class Listener {
 public:
  Listener();
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  std::string port() const { return port_; }
  // The next connection's socket; -1 if the child, who should make it, ends without doing so.
  int accept(Child& child);

 private:
  int socket_;
  std::string port_;
};

// A socket connected to a loopback port; -1 if nobody listens there.
int connect_to(const std::string& port);
// A port that nobody listens on at this moment.
std::string free_port();

}  // namespace openssl_event::interop

#endif
