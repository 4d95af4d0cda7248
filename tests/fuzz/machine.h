// The machine under test with an application around it that may misbehave in all the ways that are allowed, and that
// checks what the header promises about every event.
#ifndef TESTS_FUZZ_MACHINE_H
#define TESTS_FUZZ_MACHINE_H

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "openssl_event/openssl_event.h"
#include "tests/fuzz/contexts.h"

namespace openssl_event::fuzz {

// What becomes of an engine call, and of a lookup. All but the first two may fail the handshake, `hold` decides later.
enum class CallPolicy { execute, decline, hold, fail, forget, lie };

// Byte i of a stream of cleartext; `seed` tells the two directions apart.
char stream_byte(std::size_t i, unsigned seed);
inline constexpr unsigned kFromMachine = 3, kFromPeer = 8;

class Machine {
 public:
  explicit Machine(const Config& config);
  ~Machine() { end(false); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // What comes from the network: by openssl_buildFrame or in place, in portions of so many bytes (0: all at once).
  void receive(std::string_view bytes);
  void receive_by(bool in_place, std::size_t portion) { in_place_ = in_place, portion_ = portion; }
  // A RECORD_IN over such bytes, which need not be a record.
  void put_record(std::string_view bytes);
  void put_cleartext(std::size_t size);
  void close_output() { openssl_closeOutput(tls_); }
  void end_input() { openssl_endInput(tls_); }
  bool update_key(bool both) { return openssl_updateKey(tls_, both); }
  bool renegotiate() { return openssl_renegotiate(tls_); }
  void set_windows(unsigned records, unsigned cleartext);

  // From now on; a call that is held is dealt with at once.
  void answer_calls(CallPolicy policy);
  void hold(bool records, bool cleartext);
  // Frees the connection, whatever is out, then what the application holds; a held call is executed before, or not.
  void end(bool execute_call);

  // Everything that can be done now. True if any event came.
  bool pump();
  std::string take_output();

  bool ended() const { return tls_ == nullptr; }
  bool failed() const { return error_reason_ != 0; }
  bool established() const { return established_; }
  bool calls_failed() const { return calls_failed_; }  // or lookups
  bool answered_otherwise() const { return answered_otherwise_; }  // a lookup, than plain libssl would
  unsigned long error_code() const { return error_code_; }
  const std::string& received() const { return received_; }
  std::size_t accepted() const { return accepted_; }
  std::size_t record_bytes() const { return record_bytes_; }  // of all RECORD_INs put so far

 private:
  void copy_in(std::string_view bytes);
  void fill_in(std::string_view bytes);
  void put(OPENSSL_EVENT* e);
  void handle(OPENSSL_EVENT* e);
  void take_back(OPENSSL_EVENT* e);
  void note_status(const OPENSSL_STATUS& status);
  void deal_with(OPENSSL_EVENT* question);
  void execute(OPENSSL_EVENT* question);
  void decline(OPENSSL_EVENT* question);
  void fail(OPENSSL_EVENT* question);
  void lie(OPENSSL_EVENT* question);
  void give_back(OPENSSL_EVENT* e);
  void check_rest();

  openssl_t* tls_ = nullptr;
  bool in_place_ = false;
  std::size_t portion_ = 0;
  CallPolicy policy_ = CallPolicy::execute;
  bool hold_records_ = false, hold_cleartext_ = false;

  std::deque<OPENSSL_EVENT*> records_in_, cleartext_in_;  // with the machine, in the order in which they were put
  std::deque<OPENSSL_EVENT*> held_;                       // the machine's, kept
  OPENSSL_EVENT* call_ = nullptr;  // or lookup
  std::size_t cleartexts_out_ = 0, cleartext_window_ = 16;
  bool returns_by_put_ = false;

  std::string output_;
  std::string received_;
  std::size_t accepted_ = 0, record_bytes_ = 0;
  bool established_ = false, closed_in_ = false, output_closed_ = false, calls_failed_ = false, answered_otherwise_ = false;
  int error_reason_ = 0;
  unsigned long error_code_ = 0;
};

}  // namespace openssl_event::fuzz

#endif
