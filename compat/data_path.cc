#include "compat/data_path.h"

#include <openssl/err.h>

#include <cstring>
#include <new>
#include <utility>

#include "compat/library_context.h"
#include "compat/manner.h"
#include "compat/modes.h"
#include "compat/observers.h"
#include "compat/real.h"
#include "compat/record_filter.h"
#include "compat/session.h"
#include "compat/settings.h"
#include "compat/statistics.h"
#include "openssl_event/connection.h"
#include "openssl_event/record_header.h"

namespace openssl_event::compat {

namespace {

// The take-over costs a connection its keys and a look at libssl's records, some 20 us; a record then costs less by as much
// as so many bytes do. So it comes when a connection has moved 64 small records, or 512 KiB.
constexpr std::size_t kRecordWorth = 8 * 1024;
constexpr std::size_t kWorthTakingOver = 512 * 1024;

}  // namespace

DataPath* DataPath::create(SSL* ssl) noexcept {
  if (settings().record_path == RecordsTaken::off || !is_stream_tls(ssl) || has_message_callback(SSL_get_SSL_CTX(ssl))) return nullptr;
  auto* path = new (std::nothrow) DataPath(ssl);
  if (path) path->out_.libssl_seals = is_padding(SSL_get_SSL_CTX(ssl));
  if (path && path->watch()) return path;
  delete path;
  return nullptr;
}

bool DataPath::watch() noexcept {
  record_.reset(RecordPath::create(ssl_));
  if (!record_) return false;
  record_->leave_empty_records_to_libssl();
  record_->follow_renegotiation();
  count_by(count);
  return true;
}

// Not by SSL_set_msg_callback, which in some libssl calls SSL_callback_ctrl by this layer, as if the program did.
void DataPath::count_by(MessageCallback callback) noexcept {
  real_SSL_callback_ctrl(ssl_, SSL_CTRL_SET_MSG_CALLBACK, reinterpret_cast<void (*)()>(callback));
}

// Up to the take-over libssl's numbers are those of the wire.
void DataPath::count(int is_sent, int, int content_type, const void* header, std::size_t, SSL* ssl, void*) noexcept {
  if (content_type != SSL3_RT_HEADER) return;
  const Session* session = Session::find(ssl);
  DataPath* path = session ? session->data_path() : nullptr;
  if (!path || path->stage_ != Stage::watching) return;
  path->pristine_ = false;
  path->seen_.fetch_add(kRecordWorth + record_size(static_cast<const unsigned char*>(header)), std::memory_order_relaxed);
  const unsigned char type = *static_cast<const unsigned char*>(header);
  is_sent ? path->record_->leaves(type) : path->record_->passes(type);
}

void DataPath::forget_cleartext() noexcept { OPENSSL_cleanse(in_.cleartext, std::exchange(in_.left, 0)); }

void DataPath::ssl_ends() noexcept {
  report();
  forget_cleartext();
  for (BIO* filter : {reads_, writes_})
    if (filter) disconnect_filter(filter);
  reads_ = writes_ = nullptr;
  if (record_) record_->ssl_ends();
}

void DataPath::restart() noexcept {
  if (pristine_) return;
  remove_filters();
  report();
  record_.reset();
  forget_cleartext();
  const bool libssl_seals = out_.libssl_seals;  // what it seals by stays
  in_ = {};
  out_ = {};
  out_.libssl_seals = libssl_seals;
  sealed_ = opened_ = 0;
  seen_ = 0;
  wants_nothing_ = false;
  pristine_ = true;
  stage_ = !always_libssl_ && watch() ? Stage::watching : Stage::left;
}

void DataPath::leave() noexcept {
  record_.reset();
  stage_ = Stage::left;
  pristine_ = false;
}

void DataPath::leave_to_libssl() noexcept {
  always_libssl_ = true;
  if (stage_ != Stage::watching) return;
  count_by(nullptr);
  leave();
}

// ---- Taking over ----

bool DataPath::kernel_has_records() const noexcept {
  BIO *const input = real_SSL_get_rbio(ssl_), *const output = real_SSL_get_wbio(ssl_);
  return (input && BIO_get_ktls_recv(input)) || (output && BIO_get_ktls_send(output));
}

// Ciphers are of the default library context; the kernel may seal; a machine has a record path of its own.
int DataPath::objection() const noexcept {
  if (LibraryContext::find(SSL_get_SSL_CTX(ssl_))) return OPENSSL_PATH_REASON_SUITE;
  if ((SSL_get_options(ssl_) & SSL_OP_ENABLE_KTLS) || kernel_has_records()) return OPENSSL_PATH_REASON_BUSY;
  if (Connection::of(ssl_)) return OPENSSL_PATH_REASON_BUSY;
  return OPENSSL_PATH_REASON_NONE;
}

bool DataPath::is_worth_it() const noexcept {
  return seen_.load(std::memory_order_relaxed) >= kWorthTakingOver || settings().record_path == RecordsTaken::always;
}

// Libssl must not be in the middle of a handshake, a write (a close_notify's too) or a record.
bool DataPath::may_take_over() noexcept {
  if (SSL_in_init(ssl_) || out_.turn > 0 || (SSL_get_shutdown(ssl_) & SSL_SENT_SHUTDOWN)) return false;
  receives_ = !SSL_get_read_ahead(ssl_);
  return !receives_ || libssl_has_read_all();
}

// True: the filters are in their place. Of two calls in two threads neither takes over while the other one is here.
bool DataPath::take_over() noexcept {
  if (stage_ == Stage::left || !is_worth_it()) return false;
  const std::lock_guard here(taking_over_);
  if (stage_ != Stage::watching) return stage_ == Stage::taken;
  if (calls_ != 1 || !may_take_over()) return false;
  count_by(nullptr);
  ERR_set_mark();  // why not is nothing to the program
  const bool taken = record_takes_over() && put_filters();
  ERR_pop_to_mark();
  if (!taken) {
    leave();
    return false;
  }
  stage_ = Stage::taken;
  pristine_ = false;
  return true;
}

bool DataPath::record_takes_over() noexcept {
  if (!receives_) record_->leave_receiving_to_libssl();
  record_->decide(objection());
  return receives_ ? record_->begin_receiving() : record_->sends();
}

bool DataPath::put_filter(BIO*& filter, BIO* program, void (*set)(SSL*, BIO*)) noexcept {
  if (!program) return true;
  filter = new_filter(this, program);
  if (!filter) return false;
  BIO_up_ref(program);  // the SSL's reference ends when it gets the filter
  set(ssl_, filter);
  return true;
}

bool DataPath::put_filters() noexcept {
  BIO *const input = receives_ ? real_SSL_get_rbio(ssl_) : nullptr, *const output = real_SSL_get_wbio(ssl_);
  const auto set_input = [](SSL* ssl, BIO* bio) { real_SSL_set0_rbio(ssl, bio); };
  const auto set_output = [](SSL* ssl, BIO* bio) { real_SSL_set0_wbio(ssl, bio); };
  if (put_filter(reads_, input, set_input) && put_filter(writes_, output, set_output)) return true;
  remove_filters();
  return false;
}

void DataPath::remove_filter(BIO* filter, void (*set)(SSL*, BIO*)) noexcept {
  if (!filter) return;
  BIO* const program = BIO_next(filter);
  BIO_set_next(filter, nullptr);
  set(ssl_, program);
}

void DataPath::remove_filters() noexcept {
  remove_filter(reads_, [](SSL* ssl, BIO* bio) { real_SSL_set0_rbio(ssl, bio); });
  remove_filter(writes_, [](SSL* ssl, BIO* bio) { real_SSL_set0_wbio(ssl, bio); });
}

void DataPath::filter_ends(BIO* filter) noexcept {
  if (filter == reads_) reads_ = nullptr;
  if (filter == writes_) writes_ = nullptr;
}

DataPath::BiosOfProgram::BiosOfProgram(DataPath* path) noexcept
    : path_(path && path->stage_ == Stage::taken && !path->bios_of_program_ ? path : nullptr) {
  if (!path_) return;
  path_->bios_of_program_ = true;
  path_->remove_filters();
}

// What libssl seals must not leave without the filter: then rather nothing does.
DataPath::BiosOfProgram::~BiosOfProgram() {
  if (!path_) return;
  path_->bios_of_program_ = false;
  if (path_->put_filters()) return;
  real_SSL_set0_rbio(path_->ssl_, nullptr);
  real_SSL_set0_wbio(path_->ssl_, nullptr);
}

void DataPath::report_sealed() noexcept {
  if (record_) statistics().sealed += record_->sealed() - std::exchange(sealed_, record_->sealed());
}

void DataPath::report_opened() noexcept {
  if (record_) statistics().opened += record_->opened() - std::exchange(opened_, record_->opened());
}

}  // namespace openssl_event::compat
