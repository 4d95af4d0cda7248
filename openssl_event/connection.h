// The state machine of one TLS connection: queues of events around an SSL, and the step that is running or parked.
#ifndef OPENSSL_EVENT_CONNECTION_H
#define OPENSSL_EVENT_CONNECTION_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "openssl_event/event.h"
#include "openssl_event/framer.h"
#include "openssl_event/hello_tap.h"
#include "openssl_event/lookup.h"
#include "openssl_event/openssl_event.h"
#include "openssl_event/record_input.h"
#include "openssl_event/record_output.h"
#include "openssl_event/record_path.h"
#include "openssl_event/runner.h"
#include "openssl_event/without_ssl.h"

namespace openssl_event {

// What a step calls libssl for. Each runs until libssl wants more, or parks in an engine call. `open` and `seal` are the
// record path's: they need no libssl and no stack. `answer` sends what libssl has to say about keys.
enum class Step : std::uint8_t { none, handshake, read, write, update_key, renegotiate, close, answer, open, seal };

// What came of a libssl call, noted on the stack it ran on, before anything else can touch the error queue.
struct StepResult {
  int value;         // what the function returned
  int ssl_error;     // SSL_get_error of it
  std::size_t bytes;
  bool retried;      // the record BIO had no more for it
};

// Places among the CLEARTEXT_INs where something other than data is to be sent. Never seen outside.
enum Marker { kUpdateKeyMarker = 1000, kUpdateBothKeysMarker, kRenegotiateMarker };

}  // namespace openssl_event

struct openssl_connection_st final : private openssl_event::Runner {
 public:
  using Event = openssl_event::Event;
  using Step = openssl_event::Step;

  static openssl_connection_st* create(SSL* ssl) noexcept;
  // The machine of an SSL; nullptr if it has none.
  static openssl_connection_st* of(const SSL* ssl) noexcept;
  void destroy() noexcept;

  // put.cc
  bool put(Event* e) noexcept;
  bool close_output() noexcept;
  bool end_input() noexcept;
  bool put_marker(int marker) noexcept;

  // connection.cc
  Event* get() noexcept { return (ready_.empty() || budget_) && !make_ready() ? nullptr : hand_out(); }

  // record_bio.cc: called by libssl.
  bool write_records(const char* data, std::size_t len) noexcept;
  std::size_t read_records(char* buf, std::size_t len) noexcept;
  // Whether the BIO still says "retry", of its last transfer.
  bool begin_transfer() noexcept { return std::exchange(bio_retries_, false); }
  void note_retry() noexcept { bio_retries_ = result_.retried = true; }
  bool input_at_end() const noexcept { return poisoned() || input_.at_end(); }
  void note_info(const SSL* ssl, int where, int value) noexcept;

  // lookup.cc: called by libssl's callbacks. `lookup` becomes the reply's; nullptr: there was no memory for it.
  openssl_event::Reply ask(int question, std::unique_ptr<openssl_event::Lookup> lookup) noexcept;
  bool can_wait() const noexcept { return current() == this; }
  void session_made(SSL_SESSION* session) noexcept;
  openssl_event::HelloTap* hello_tap() const noexcept { return hello_tap_.get(); }

  // outgoing.cc
  bool queue_record(Event* e) noexcept;
  int gather(iovec* slices, int max) const noexcept;
  bool mark_sent(std::size_t len) noexcept;
  std::size_t unsent() const noexcept { return unsent_; }

  // queries.cc
  unsigned wants() const noexcept;
  unsigned closed() const noexcept;
  bool negotiated(OPENSSL_NEGOTIATED& out) const noexcept;
  void record_path(OPENSSL_RECORD_PATH& out) const noexcept;

  bool set_window(unsigned records, unsigned cleartext) noexcept;
  void set_budget(unsigned events) noexcept;
  void set_engine(const OPENSSL_ENGINE* engine) noexcept { engine_ = engine; }
  void set_operations(unsigned operations) noexcept { operations_ = operations; }
  void set_user(void* user) noexcept { user_ = user; }
  void set_trace(void (*callback)(void*, openssl_t*, int, const OPENSSL_EVENT*), void* arg) noexcept;
  void allow_renegotiation(bool allow) noexcept;
  void set_record_path(bool on) noexcept;
  void set_records(unsigned flags) noexcept;
  void set_release_due() noexcept { release_due_ = ssl_ != nullptr; }
  bool is_tls13() const noexcept;
  openssl_event::RecordPath* path() const noexcept { return path_; }

  SSL* ssl() const noexcept { return ssl_; }
  void* user() const noexcept { return user_; }
  openssl_event::Framer& framer() noexcept { return framer_; }
  bool busy() const noexcept { return busy_; }
  bool established() const noexcept { return established_ && !failed_; }
  bool renegotiation_allowed() const noexcept { return renegotiation_; }
  bool output_closing() const noexcept { return close_requested_; }

 private:
  openssl_connection_st() = default;
  ~openssl_connection_st();
  bool attach(SSL* ssl) noexcept;

  // connection.cc
  bool advance() noexcept;
  Step choose() const noexcept;
  bool readable() const noexcept;
  bool can_read() const noexcept;
  Step choose_output() const noexcept;
  Step input_step() const noexcept;
  bool answer_due() const noexcept;
  void let_libssl_speak() noexcept;
  bool start(Step step) noexcept;
  bool go_on(Outcome outcome) noexcept;
  void finish_step() noexcept;
  void call_out(Event* call) noexcept override { emit(call); }
  bool make_ready() noexcept;
  Event* hand_out() noexcept;
  void trace(int direction, const Event* e) noexcept;

  // steps.cc
  static void run_step(void* connection) noexcept;
  void note(int value) noexcept;
  int error_of_data() noexcept;
  void run_handshake() noexcept;
  void run_read() noexcept;
  void run_write() noexcept;
  void run_update_key() noexcept;
  void run_renegotiate() noexcept;
  void run_close() noexcept;
  void run_answer() noexcept;
  void after_handshake() noexcept;
  void foresee_waits() noexcept;
  void after_read() noexcept;
  void after_write() noexcept;
  void after_close() noexcept;
  void after_answer() noexcept;
  void after_marker(int status) noexcept;
  bool after_failure() noexcept;
  std::size_t read_size() const noexcept;
  void finish_cleartext() noexcept;
  void emit(Event* e) noexcept;
  void emit_exempt(Event* e) noexcept;
  bool emit_status(int status) noexcept;

  // record_steps.cc
  void open_records() noexcept;
  bool may_open_another(std::size_t bytes) const noexcept;
  void open_record() noexcept;
  void emit_opened(const openssl_event::Opened& opened) noexcept;
  void seal_records() noexcept;
  bool may_seal_another(std::size_t bytes) const noexcept;
  std::size_t seal_record() noexcept;
  std::size_t record_room() const noexcept;
  std::size_t gather_cleartext(openssl_event::Slice* slices, std::size_t& count) const noexcept;
  void consume_cleartext(std::size_t size) noexcept;
  Event* seal_to_event(unsigned char type, const openssl_event::Slice* slices, std::size_t count,
                       std::size_t size) noexcept;
  bool take_over_output() noexcept;
  bool send_control(unsigned char type, const openssl_event::Slice& bytes) noexcept;
  bool send_alert(int level, int description) noexcept;
  void fail_with_alert(int description, int reason) noexcept;
  bool libssl_is_bypassed() const noexcept { return path_ && (path_->sending() || path_->receiving()); }
  bool libssl_may_run() noexcept;
  bool is_to_cleanse() const noexcept { return SSL_get_options(ssl_) & SSL_OP_CLEANSE_PLAINTEXT; }
  bool libssl_is_busy() const noexcept { return ssl_ && SSL_in_init(ssl_); }
  void release_buffers() noexcept;
  int path_objection() const noexcept;
  // The SSL still has its record BIO, both ways: else what libssl writes does not come here.
  bool has_record_bio() const noexcept { return SSL_get_wbio(ssl_) == record_bio_ && SSL_get_rbio(ssl_) == record_bio_; }

  // without_ssl.cc
  bool libssl_is_idle() noexcept;
  bool take_all_over() noexcept;
  void release_ssl() noexcept;
  void step_without_ssl() noexcept;
  void obey(const openssl_event::Verdict& verdict, const openssl_event::Opened& opened) noexcept;
  void end_of_input() noexcept;
  bool send_key_update(bool request_peer) noexcept;
  void update_key_without_ssl() noexcept;
  void close_without_ssl() noexcept;

  // life.cc
  void detach_ssl() noexcept;

  // failure.cc
  void fail(int reason) noexcept;
  void begin_with_no_errors() noexcept;
  void drop_stale_errors() noexcept;
  void fail_from_errors() noexcept;
  void fail_without_stack() noexcept;
  void fail_by_close_notify() noexcept;
  int reason_of_errors() noexcept;
  bool return_unused() noexcept;

  // put.cc
  static bool refuse_owner(const Event* e, const char* function) noexcept;
  bool put_new(Event* e) noexcept;
  void take_back(Event* e) noexcept;
  void return_cleartext() noexcept;

  // Events on their way to the application; first, since what follows refers to it.
  openssl_event::EventList ready_;
  openssl_event::LentEvents lent_;
  openssl_event::EventList line_;         // RECORD_OUTs that the application has queued to be sent
  openssl_event::EventList cleartext_in_; // and markers, in the order in which they were put
  openssl_event::RecordInput input_{ready_};
  openssl_event::RecordOutput output_;
  openssl_event::Framer framer_;

  SSL* ssl_ = nullptr;  // nullptr: it has been freed, see openssl_releaseSsl
  BIO* record_bio_ = nullptr;
  void* user_ = nullptr;
  void (*trace_)(void*, openssl_t*, int, const OPENSSL_EVENT*) = nullptr;
  void* trace_argument_ = nullptr;
  void (*previous_info_)(const SSL*, int, int) = nullptr;

  std::unique_ptr<openssl_event::HelloTap> hello_tap_;  // until the handshake has finished, if a lookup shows the hello
  openssl_event::RecordPath* path_ = nullptr;  // owned; nullptr: libssl moves all data
  openssl_event::WithoutSsl* without_ssl_ = nullptr;  // owned; nullptr as long as there is an SSL
  Event* cleartext_out_ = nullptr;         // that a read is filling
  Event* error_event_ = nullptr;           // kept from the beginning, so that failing never lacks memory
  openssl_event::StepResult result_ = {};

  std::size_t left_over_ = 0;       // cleartext that libssl has and the last read had no room for
  std::size_t unsent_ = 0;
  std::size_t line_offset_ = 0;     // bytes of the first record of the line that have been sent
  std::size_t cleartext_offset_ = 0; // bytes of the first CLEARTEXT_IN that are in records
  std::size_t exempt_bytes_ = 0;    // of RECORD_OUTs outside the window, out or ready
  std::size_t small_records_ = 0;   // bytes of cleartext that still go in small records
  bool gather_ = false;             // CLEARTEXT_INs into one record
  unsigned records_out_ = 0;        // RECORD_OUTs within the window, out or ready
  unsigned cleartexts_out_ = 0;     // CLEARTEXT_OUTs, out or ready
  unsigned records_window_ = 16;
  unsigned cleartext_window_ = 16;
  unsigned budget_ = 0;
  unsigned spent_ = 0;
  int alert_sent_ = -1;
  int alert_received_ = -1;

  Step step_ = Step::none;
  bool established_ = false;       // a handshake has finished
  bool started_ = false;
  bool renegotiation_ = false;     // allowed
  bool renegotiation_forbidden_ = false;  // by the SSL's own options
  bool renegotiating_ = false;
  bool read_may_wait_ = true;      // for a call: such steps have a stack of their own
  bool write_may_wait_ = true;
  bool read_due_ = false;          // a read without a new record: it drives a renegotiation, or learns of the end
  bool wrote_last_ = false;        // reads and writes take turns
  bool write_waits_ = false;       // a write wants a record first
  bool retry_due_ = false;         // a callback of the application's asked for a retry ...
  bool retry_held_ = false;        // ... and the application has not had its turn since
  bool has_spoken_ = false;        // libssl had something to say on the record path, and a read for it
  bool bio_retries_ = false;       // the BIO told libssl to come back
  bool for_libssl_ = false;        // the record path has made the first RECORD_IN fit for libssl
  bool release_due_ = false;       // the SSL is to be freed when that can be
  bool busy_ = false;              // in get(): what calls libssl is this library, or a callback of libssl's
  bool copies_out_ = false;        // what this step opens: the application has enough that lies in RECORD_INs
  bool errors_are_mixed_ = false;  // the step began with what was in the thread's error queue
  bool close_notify_came_ = false; // libssl has taken the alert; closed_in_ follows
  bool cleanses_ = false;          // SSL_OP_CLEANSE_PLAINTEXT, when cleartext came last
  bool turn_due_ = false;          // the budget is spent
  bool lookup_failed_ = false;     // one that this step could not do without
  bool out_of_memory_ = false;
  bool flooded_ = false;
  bool close_requested_ = false;
  bool closed_out_ = false;
  bool closed_in_ = false;
  bool failed_ = false;
};

namespace openssl_event {

using Connection = openssl_connection_st;

// record_bio.cc
BIO* attach_record_bio(SSL* ssl, Connection* connection) noexcept;  // nullptr without memory

}  // namespace openssl_event

#endif
