#include "tests/fuzz/machine.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "tests/fuzz/answers.h"
#include "tests/fuzz/check.h"

namespace openssl_event::fuzz {
namespace {

constexpr int kMostEvents = 100000;  // of one pump: no input here is long enough for more

void release_bytes(void* bytes) { delete[] static_cast<char*>(bytes); }

std::size_t length_of(const OPENSSL_EVENT* e) { return static_cast<std::size_t>(e->r.len); }

std::size_t length_in_header(const char* record) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(record);
  return OPENSSL_RECORD_HEADER_SIZE + static_cast<std::size_t>(bytes[3] << 8 | bytes[4]);
}

}  // namespace

char stream_byte(std::size_t i, unsigned seed) { return static_cast<char>(i * seed + (i >> 8) + seed); }

Machine::Machine(const Config& config) {
  SSL* ssl = new_ssl(config, config.client, config.lookups ? Kind::asking : Kind::offloaded);
  tls_ = openssl_new(ssl);
  CHECK(tls_);
  SSL_free(ssl);
  openssl_allowRenegotiation(tls_, config.renegotiation);
  if (config.small_windows) set_windows(1, 1);
  if (config.small_budget) openssl_setBudget(tls_, 1);
}

void Machine::set_windows(unsigned records, unsigned cleartext) {
  CHECK(openssl_setWindow(tls_, records, cleartext));
  cleartext_window_ = std::max<std::size_t>(cleartext, cleartexts_out_);
}

void Machine::receive(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view portion = portion_ ? bytes.substr(0, portion_) : bytes;
    bytes.remove_prefix(portion.size());
    in_place_ ? fill_in(portion) : copy_in(portion);
  }
}

void Machine::copy_in(std::string_view bytes) {
  while (!bytes.empty()) {
    std::size_t taken = 0;
    if (OPENSSL_EVENT* e = openssl_buildFrame(tls_, bytes.data(), bytes.size(), &taken)) put(e);
    CHECK(taken > 0);
    bytes.remove_prefix(taken);
  }
}

void Machine::fill_in(std::string_view bytes) {
  while (!bytes.empty()) {
    std::size_t room = 0;
    char* space = openssl_inputSpace(tls_, &room);
    CHECK(space && room > 0);
    const std::size_t size = std::min(room, bytes.size());
    std::memcpy(space, bytes.data(), size);
    CHECK(openssl_inputFilled(tls_, size));
    bytes.remove_prefix(size);
    while (OPENSSL_EVENT* e = openssl_nextFrame(tls_)) put(e);
  }
}

void Machine::put_record(std::string_view bytes) {
  char* copy = new char[bytes.size()];
  std::memcpy(copy, bytes.data(), bytes.size());
  put(openssl_wrapRecordInEvent(copy, bytes.size(), release_bytes, copy));
}

void Machine::put_cleartext(std::size_t size) {
  char* bytes = new char[size];
  for (std::size_t i = 0; i < size; ++i) bytes[i] = stream_byte(accepted_ + i, kFromMachine);
  put(openssl_wrapCleartextInEvent(bytes, size, release_bytes, bytes));
}

void Machine::put(OPENSSL_EVENT* e) {
  CHECK(e);
  const bool is_record = e->kind == OPENSSL_RECORD_IN_KIND;
  if (!openssl_putEvent(tls_, e)) {
    CHECK(!is_record && openssl_closed(tls_) & OPENSSL_CLOSED_OUT);
    CHECK(openssl_freeEvent(e));
    return;
  }
  (is_record ? records_in_ : cleartext_in_).push_back(e);
  (is_record ? record_bytes_ : accepted_) += length_of(e);
}

bool Machine::pump() {
  if (!tls_) return false;
  int events = 0;
  do {
    while (OPENSSL_EVENT* e = openssl_getEvent(tls_)) {
      CHECK(++events < kMostEvents);
      handle(e);
    }
  } while (openssl_wants(tls_) & OPENSSL_WANTS_TURN);
  check_rest();
  return events > 0;
}

// What must be true when nothing more can be done.
void Machine::check_rest() {
  const unsigned wants = openssl_wants(tls_);
  const unsigned closed = openssl_closed(tls_);
  CHECK(((closed & OPENSSL_CLOSED_ERROR) != 0) == failed());
  CHECK(((closed & OPENSSL_CLOSED_IN) != 0) == closed_in_);
  CHECK(wants != 0 || closed != 0);
  CHECK(((wants & OPENSSL_WANTS_REPLY) != 0) == (call_ != nullptr && !failed()));
  if (failed()) CHECK(wants == 0 && cleartext_in_.empty());
  if (failed() || (closed_in_ && !call_)) CHECK(records_in_.empty());
}

void Machine::handle(OPENSSL_EVENT* e) {
  switch (e->kind) {
    case OPENSSL_RECORD_IN_KIND:
    case OPENSSL_CLEARTEXT_IN_KIND:
      return take_back(e);
    default:
      break;
  }
  CHECK(!failed());  // the error is the last word
  CHECK(openssl_owner(e) == tls_ && !openssl_isCancelled(e));
  char text[200];
  CHECK(*openssl_describe(e, text, sizeof text));
  switch (e->kind) {
    case OPENSSL_ENGINE_CALL_OUT_KIND:
    case OPENSSL_LOOKUP_OUT_KIND:
      return deal_with(e);
    case OPENSSL_STATUS_OUT_KIND:
      note_status(e->s);
      return give_back(e);
    case OPENSSL_RECORD_OUT_KIND:
      CHECK(length_of(e) == length_in_header(e->r.buf));
      output_.append(e->r.buf, length_of(e));
      return hold_records_ ? held_.push_back(e) : give_back(e);
    case OPENSSL_CLEARTEXT_OUT_KIND:
      CHECK(established_ && !closed_in_ && length_of(e) > 0);
      CHECK(++cleartexts_out_ <= cleartext_window_);
      received_.append(e->c.buf, length_of(e));
      return hold_cleartext_ ? held_.push_back(e) : give_back(e);
    default:
      CHECK(!"a kind that the machine makes");
  }
}

// Ours come back in the order in which they were put.
void Machine::take_back(OPENSSL_EVENT* e) {
  auto& line = e->kind == OPENSSL_RECORD_IN_KIND ? records_in_ : cleartext_in_;
  CHECK(!line.empty() && line.front() == e);
  line.pop_front();
  CHECK(openssl_freeEvent(e));
}

void Machine::note_status(const OPENSSL_STATUS& status) {
  CHECK(status.text && *status.text);
  switch (status.status) {
    case OPENSSL_STATUS_HANDSHAKE_DONE: {
      established_ = true;
      OPENSSL_NEGOTIATED negotiated;
      CHECK(openssl_negotiated(tls_, &negotiated) && *negotiated.protocol && *negotiated.cipher);
      return;
    }
    case OPENSSL_STATUS_CLOSE_NOTIFY:
      CHECK(!closed_in_);
      closed_in_ = true;
      return;
    case OPENSSL_STATUS_OUTPUT_CLOSED:
      CHECK(!output_closed_ && cleartext_in_.empty());
      output_closed_ = true;
      return;
    case OPENSSL_STATUS_KEY_UPDATED:
      return;
    case OPENSSL_STATUS_ERROR:
      error_reason_ = status.reason;
      error_code_ = status.error.code;
      CHECK(error_reason_ != OPENSSL_REASON_NONE);
      return;
    default:
      CHECK(!"a status of the header's");
  }
}

void Machine::deal_with(OPENSSL_EVENT* question) {
  CHECK(call_ == nullptr || call_ == question);
  call_ = nullptr;
  switch (policy_) {
    case CallPolicy::execute:
      execute(question);
      break;
    case CallPolicy::decline:
      decline(question);
      break;
    case CallPolicy::fail:
      fail(question);
      break;
    case CallPolicy::forget:
      break;
    case CallPolicy::lie:
      lie(question);
      break;
    case CallPolicy::hold:
      call_ = question;
      return;
  }
  if (policy_ >= CallPolicy::fail) calls_failed_ = true;
  give_back(question);
}

void Machine::execute(OPENSSL_EVENT* question) {
  if (question->kind == OPENSSL_ENGINE_CALL_OUT_KIND)
    CHECK(question->e.engine->call(question));
  else if (!answer(question))
    answered_otherwise_ = true;
}

void Machine::decline(OPENSSL_EVENT* question) {
  const bool is_call = question->kind == OPENSSL_ENGINE_CALL_OUT_KIND;
  CHECK(is_call ? openssl_decline(question) : openssl_answerDefault(question));
}

void Machine::fail(OPENSSL_EVENT* question) {
  const bool is_call = question->kind == OPENSSL_ENGINE_CALL_OUT_KIND;
  CHECK((is_call ? openssl_failCall : openssl_failLookup)(question, "the fuzzer says no"));
}

void Machine::lie(OPENSSL_EVENT* question) {
  if (question->kind != OPENSSL_ENGINE_CALL_OUT_KIND) return answer_wrongly(question);
  OPENSSL_SIGN& sign = question->e.u.s;
  std::memset(sign.signature, 0x5a, sign.signature_size);
  sign.signature_len = sign.signature_size - (sign.tbs_len & 1);
  CHECK(openssl_completeCall(question));
}

void Machine::answer_calls(CallPolicy policy) {
  policy_ = policy;
  if (call_) deal_with(call_);
}

void Machine::hold(bool records, bool cleartext) {
  hold_records_ = records;
  hold_cleartext_ = cleartext;
  std::deque<OPENSSL_EVENT*> keep;
  for (OPENSSL_EVENT* e : held_) {
    const bool kept = e->kind == OPENSSL_RECORD_OUT_KIND ? records : cleartext;
    kept ? keep.push_back(e) : give_back(e);
  }
  held_ = keep;
}

void Machine::give_back(OPENSSL_EVENT* e) {
  if (e->kind == OPENSSL_CLEARTEXT_OUT_KIND) --cleartexts_out_;
  returns_by_put_ = !returns_by_put_;
  CHECK(returns_by_put_ && tls_ ? openssl_putEvent(tls_, e) : openssl_returnEvent(e));
}

void Machine::end(bool execute_call) {
  if (!tls_) return;
  if (call_ && execute_call) execute(call_);
  openssl_free(tls_);
  tls_ = nullptr;
  if (call_) {
    CHECK(openssl_isCancelled(call_));
    if (!execute_call) execute(call_);  // a worker that did not look
    held_.push_back(call_);
    call_ = nullptr;
  }
  for (OPENSSL_EVENT* e : held_) {
    CHECK(openssl_isCancelled(e) && !openssl_owner(e));
    CHECK(openssl_returnEvent(e));
  }
  held_.clear();
}

std::string Machine::take_output() {
  std::string output;
  output.swap(output_);
  return output;
}

}  // namespace openssl_event::fuzz
