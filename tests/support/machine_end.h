// A machine and an application that may be slow: it can keep each kind of event for as long as a test likes.
#ifndef TESTS_SUPPORT_MACHINE_END_H
#define TESTS_SUPPORT_MACHINE_END_H

#include <functional>
#include <vector>

#include "openssl_event/openssl_event.h"
#include "tests/support/contexts.h"
#include "tests/support/end.h"

namespace openssl_event::testing {

// A STATUS_OUT, copied.
struct Status {
  int status;
  int reason;
  int alert_sent;
  int alert_received;
  unsigned long code;
  std::string text;
};

class MachineEnd : public End {
 public:
  explicit MachineEnd(Ssl ssl);
  explicit MachineEnd(openssl_t* tls) : tls_(tls) {}
  ~MachineEnd() override;

  void work() override;
  void receive(std::string_view bytes) override;
  void end_input() override { openssl_endInput(tls_); }
  std::string take_output() override;
  void send(std::string_view data) override;
  void close_output() override { openssl_closeOutput(tls_); }
  void renegotiate() override { openssl_renegotiate(tls_); }
  SSL* ssl() const override { return openssl_ssl(tls_); }
  bool established() const override { return count(OPENSSL_STATUS_HANDSHAKE_DONE) > 0; }
  bool failed() const override { return count(OPENSSL_STATUS_ERROR) > 0; }
  unsigned long error() const override;
  bool closed_in() const override { return count(OPENSSL_STATUS_CLOSE_NOTIFY) > 0; }

  openssl_t* tls() const { return tls_; }
  const std::vector<Status>& statuses() const { return statuses_; }
  int count(int status) const;
  // OPENSSL_REASON_* of the error; NONE without one.
  int reason() const;
  const Status* failure() const;

  // Takes one event and does with it what the application does; false: there was none.
  bool take_one();
  // Frees the machine; what is kept stays kept.
  void free_machine();

  // What the application keeps from now on, instead of giving it back at once (a RECORD_OUT's bytes are sent all the
  // same).
  bool keep_records = false;
  bool keep_cleartext = false;
  bool keep_calls = false;
  // Puts each record into the machine and lets that work before the next one; else all that arrive together.
  bool one_by_one = false;
  // Executes a call, instead of its engine, and puts it back or keeps it.
  std::function<void(OPENSSL_EVENT*)> on_call;
  // Answers a lookup, which is then put back; else it gets the default answer.
  std::function<void(OPENSSL_EVENT*)> on_lookup;
  bool keep_lookups = false;
  // Gets each new session.
  std::function<void(SSL_SESSION*)> on_session;

  std::vector<OPENSSL_EVENT*> records;    // kept
  std::vector<OPENSSL_EVENT*> cleartext;  // kept
  std::vector<OPENSSL_EVENT*> calls;      // kept
  std::vector<OPENSSL_EVENT*> lookups;    // kept
  int records_returned = 0;               // RECORD_INs that came back
  int cleartext_returned = 0;             // CLEARTEXT_INs
  int records_put = 0;
  int cleartext_put = 0;
  int calls_seen = 0;
  int lookups_seen = 0;

  // Gives back what is kept: the oldest, or all.
  void return_record();
  void return_cleartext();
  void return_records();
  void return_all_cleartext();
  void execute_and_return_calls();

 private:
  void handle(OPENSSL_EVENT* e);
  void handle_call(OPENSSL_EVENT* e);
  void handle_lookup(OPENSSL_EVENT* e);
  void handle_status(OPENSSL_EVENT* e);

  openssl_t* tls_;
  std::string output_;
  std::vector<Status> statuses_;
};

}  // namespace openssl_event::testing

#endif
