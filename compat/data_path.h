// The record path (openssl_event/record_path.h) under the classic API: SSL_read opens records of application data, and
// SSL_write seals them, without libssl.
//
// A filter BIO stands between libssl and the program's BIOs, so that every other function of libssl, and these two
// whenever they cannot simply succeed, work as they are: what libssl writes is renumbered there, and so is what it
// reads. That is "libssl's turn". Return values, error queue, errno and what SSL_get_error tells are libssl's own
// therefore; and from the program's BIOs the same bytes are read in the same portions as by libssl.
#ifndef COMPAT_DATA_PATH_H
#define COMPAT_DATA_PATH_H

#include <openssl/ssl.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstddef>
#include <memory>
#include <mutex>

#include "compat/record_filter.h"
#include "compat/record_memory.h"
#include "compat/shared.h"
#include "openssl_event/record_path.h"

namespace openssl_event::compat {

// Used, as its SSL, by one thread at a time; but many programs let one read while another one writes, and libssl lets
// them, once the handshake is over.
class DataPath {
 public:
  // Of a new SSL. nullptr: libssl does it all, or there is no memory.
  static DataPath* create(SSL* ssl) noexcept;
  ~DataPath() { remove_filters(); }
  DataPath(const DataPath&) = delete;
  DataPath& operator=(const DataPath&) = delete;
  // The SSL is being freed, and this after it.
  void ssl_ends() noexcept;
  // The SSL begins anew (SSL_clear).
  void restart() noexcept;

  // ---- SSL_read, SSL_peek, SSL_write ----

  // `libssl()`, which is to do the same, has its turn if this cannot succeed without it. 1: `taken` bytes; else its
  // result.
  template <typename Libssl>
  int read(void* buf, std::size_t size, bool peeks, std::size_t& taken, Libssl libssl) {
    const Call call(*this);
    if (size > 0 && !in_.in_turn && read_without_libssl(buf, size, peeks, taken)) return 1;
    const Turn turn(*this, in_.in_turn);
    copy_retry_flags(reads_);
    const int value = libssl();
    in_.answer = {};
    show_retry_flags(reads_);
    if (!receives_ && out_.turn > 0) out_.libssl_writes_next = true;  // an alert may wait for that to end
    return value;
  }
  // `libssl(data, size)` returns how many bytes it has written, or 0 or less. So does this.
  template <typename Libssl>
  long write(const void* buf, std::size_t size, Libssl libssl);

  // Cleartext that has been read from the program's BIO, and that neither the program nor libssl has.
  std::size_t pending() const noexcept { return in_.left; }
  // Beside libssl's own: SSL_has_pending counts the bytes behind a record's header too.
  bool has_pending() const noexcept;
  // Of a record, or a part of one.
  bool holds_input() const noexcept { return in_.left > 0 || in_.filled > 0; }
  bool in_record() const noexcept { return in_.filled >= OPENSSL_RECORD_HEADER_SIZE; }
  // The last call has succeeded without libssl, which still holds what it wanted before.
  bool wants_nothing() const noexcept { return wants_nothing_; }

  // ---- What the program changes ----

  // It wants to see the records, or libssl is called from inside (BIO_f_ssl): from now on it is always libssl's turn.
  void leave_to_libssl() noexcept;
  // Records are to be cut or padded in another way: libssl makes those that are sent.
  void leave_sending_to_libssl() noexcept { out_.libssl_seals = true; }
  // libssl has something to send before the next record.
  void let_libssl_write_next() noexcept { out_.libssl_writes_next = true; }
  // libssl counts records for this as long as it has its own callback for messages.
  bool is_watching() const noexcept { return stage_ == Stage::watching; }
  static void count(int is_sent, int, int content_type, const void* header, std::size_t size, SSL* ssl, void*) noexcept;

  // While it lives the SSL has the program's BIOs themselves, and libssl can exchange them.
  class BiosOfProgram {
   public:
    explicit BiosOfProgram(DataPath* path) noexcept;
    ~BiosOfProgram();
    BiosOfProgram(const BiosOfProgram&) = delete;
    BiosOfProgram& operator=(const BiosOfProgram&) = delete;

   private:
    DataPath* path_;
  };

  // ---- What the filters call: as BIO_read and BIO_write ----

  // A failure of which the program's BIO knows nothing, so that what it says of retries is of another call.
  static constexpr int kFailed = INT_MIN;
  int give_libssl(char* buf, int size);
  int take_from_libssl(const char* data, int size);
  void filter_ends(BIO* filter) noexcept;

 private:
  enum class Stage {
    watching,  // libssl moves the data; its records are counted
    taken,     // the filters are in their place
    left       // libssl moves the data, for good
  };

  // What a BIO of the program's has answered, for libssl to hear once when it asks.
  struct Answer {
    int value = 1;
    int error = 0;  // errno
  };

  // libssl's: what it calls of its own public functions meanwhile is a part of it.
  class Turn {
   public:
    Turn(DataPath& path, bool& in_turn) noexcept : path_(path), in_turn_(in_turn), is_inner_(in_turn) {
      in_turn_ = true;
    }
    ~Turn() {
      if (is_inner_) return;
      in_turn_ = false;
      &in_turn_ == &path_.in_.in_turn ? path_.report_opened() : path_.report_sealed();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    DataPath& path_;
    bool& in_turn_;
    const bool is_inner_;
  };

  // One that moves data. Up to the take-over they are counted: it must not come while another one is inside libssl.
  class Call {
   public:
    explicit Call(DataPath& path) noexcept : path_(path.is_watching() ? &path : nullptr) {
      if (path_) path_->change_calls(1);
    }
    ~Call() {
      if (path_) path_->change_calls(-1);
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    DataPath* path_;
  };

  explicit DataPath(SSL* ssl) noexcept : ssl_(ssl) {}
  void change_calls(int by) noexcept {
    const std::lock_guard here(taking_over_);
    calls_ += by;
  }
  using MessageCallback = void (*)(int, int, int, const void*, std::size_t, SSL*, void*);
  void count_by(MessageCallback callback) noexcept;
  bool watch() noexcept;
  void leave() noexcept;
  int objection() const noexcept;
  bool kernel_has_records() const noexcept;
  bool is_worth_it() const noexcept;
  bool take_over() noexcept;
  bool may_take_over() noexcept;
  bool record_takes_over() noexcept;
  bool put_filters() noexcept;
  bool put_filter(BIO*& filter, BIO* program, void (*set)(SSL*, BIO*)) noexcept;
  void remove_filter(BIO* filter, void (*set)(SSL*, BIO*)) noexcept;
  void remove_filters() noexcept;
  void report_sealed() noexcept;
  void report_opened() noexcept;
  void report() noexcept {
    report_sealed();
    report_opened();
  }

  bool read_without_libssl(void* buf, std::size_t size, bool peeks, std::size_t& taken);
  bool may_open() noexcept;
  bool libssl_has_read_all() const noexcept;
  bool receive();
  int fill();
  void stage(std::size_t size) noexcept;
  bool stage_left_over() noexcept;
  int stage_record();
  int read_blank(char* buf, int size);
  void consume(std::size_t size) noexcept;
  void forget_cleartext() noexcept;

  bool may_seal() noexcept;
  bool begin_sending() noexcept;
  bool sends_partially() const noexcept;
  bool want_nothing() noexcept;
  bool send(const char* data, std::size_t size);
  int flush();
  int replace(const char* data, int size) noexcept;
  int collect(const char* data, int size) noexcept;
  int pass_on(const char* data, int size);
  int refuse_output(const char* why) noexcept;

  SSL* ssl_;
  std::unique_ptr<RecordPath> record_;
  BIO* reads_ = nullptr;  // the filters; owned by the SSL
  BIO* writes_ = nullptr;
  std::atomic<Stage> stage_{Stage::watching};
  std::mutex taking_over_;
  int calls_ = 0;  // that have begun in stage `watching`
  std::atomic<std::size_t> seen_{0};  // of what libssl has moved then, in bytes and the worth of records
  bool bios_of_program_ = false;
  Shared<bool> pristine_ = true;  // no record has been seen
  bool always_libssl_ = false;
  bool receives_ = true;  // false: libssl reads ahead, so it reads alone
  Shared<bool> wants_nothing_;

  struct Input {
    RecordMemory memory;
    std::size_t filled = 0;              // bytes in it of a record that is being read
    unsigned char* cleartext = nullptr;  // in it: what is left of a record that has been opened
    std::size_t left = 0;
    std::size_t staged = 0, staged_end = 0;  // of it: what libssl is to read next
    Answer answer;
    bool in_turn = false;
    bool libssl_has_records = false;  // it has been given some, and may not have dealt with them
  };
  struct Output {
    RecordMemory memory;
    std::size_t collected = 0;               // bytes in it of a record that libssl is writing
    std::size_t unsent = 0, unsent_end = 0;  // of it: what is to be written next
    int unacknowledged = 0;                  // bytes that libssl has written and does not know of
    std::size_t replaced = 0;                // cleartext of the record in it, which libssl is about to seal too
    Answer answer;
    std::size_t before = 0;          // bytes of an SSL_write that were sent before libssl's turn
    Shared<std::size_t> turn;        // and those that it has not finished; 0: none
    bool in_turn = false;
    Shared<bool> libssl_writes_next;
    bool libssl_seals = false;
    bool refused = false;
    bool has_new_key = false;  // libssl, since a renegotiation
  };
  Input in_;
  Output out_;
  std::uint64_t sealed_ = 0, opened_ = 0;  // of the records, those in the statistics
};

template <typename Libssl>
long DataPath::write(const void* buf, std::size_t size, Libssl libssl) {
  const Call call(*this);
  const char* const data = static_cast<const char*>(buf);
  if (out_.in_turn || size == 0) {
    const Turn turn(*this, out_.in_turn);
    return libssl(data, size);
  }
  std::size_t done = std::min(out_.before, size);
  do {
    const bool resumes = out_.turn > 0;
    const bool seals = !resumes && may_seal();
    std::size_t portion = size - done;
    if (record_ && record_->sending()) portion = std::min(portion, resumes ? std::size_t{out_.turn} : record_->fragment());
    if (!seals || !send(data + done, portion)) {
      out_.before = done;
      out_.turn = portion;
      const Turn turn(*this, out_.in_turn);
      const long value = libssl(data + done, portion);
      if (value <= 0) return value;
      out_.turn = 0;
      if (!resumes) out_.libssl_writes_next = false;
      done += static_cast<std::size_t>(value);
      if (static_cast<std::size_t>(value) < portion) break;
    } else {
      done += portion;
    }
    if (done < size && !resumes && sends_partially()) break;
  } while (done < size);
  out_.before = 0;
  return static_cast<long>(done);
}

}  // namespace openssl_event::compat

#endif
