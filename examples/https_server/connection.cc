#include "examples/https_server/connection.h"

#include <chrono>

#include "examples/https_server/trace.h"

namespace https {
namespace {

constexpr unsigned kRecordsWindow = 16;   // records that wait to be sent: 256 KiB at most
constexpr unsigned kCleartextWindow = 1;  // a client that sends faster than it is answered waits: see cleartext_
constexpr int kMostBlocks = 2;            // one that becomes records, and one behind it

openssl_t* make_machine(SSL_CTX* context) {
  SSL* ssl = SSL_new(context);
  if (!ssl) return nullptr;
  SSL_set_accept_state(ssl);
  openssl_t* tls = openssl_new(ssl);
  SSL_free(ssl);  // the machine has a reference of its own
  return tls;
}

}  // namespace

Connection::Connection(Shared& shared, void* transport)
    : shared_(shared), transport_(transport), number_(++shared.metrics.accepted), tls_(make_machine(shared.context)) {
  ++shared_.metrics.open;
  if (!tls_) return;
  openssl_setUser(tls_, this);
  openssl_setWindow(tls_, kRecordsWindow, kCleartextWindow);
  if (shared_.options.trace) openssl_setTrace(tls_, print_event, &number_);
}

// A call that is out stays with its worker and comes back cancelled: see take_back.
Connection::~Connection() {
  --shared_.metrics.open;
  if (!tls_) return;
  openssl_setTrace(tls_, nullptr, nullptr);
  give_back_cleartext();
  openssl_free(tls_);
}

bool Connection::received(std::size_t len) {
  if (!openssl_inputFilled(tls_, len)) return false;
  while (OPENSSL_EVENT* record = openssl_nextFrame(tls_)) openssl_putEvent(tls_, record);
  return true;
}

void Connection::input_ended() { transport_ended_ = true; }

void Connection::run() {
  do {
    take_events();
  } while (answer());
}

void Connection::take_events() {
  while (OPENSSL_EVENT* e = openssl_getEvent(tls_)) {
    switch (e->kind) {
      case OPENSSL_ENGINE_CALL_OUT_KIND: execute(e); break;
      case OPENSSL_RECORD_OUT_KIND: openssl_queueRecord(tls_, e); break;
      case OPENSSL_CLEARTEXT_OUT_KIND:
        cleartext_ = e;
        cleartext_used_ = 0;
        break;
      case OPENSSL_STATUS_OUT_KIND:
        note_status(e->s);
        openssl_putEvent(tls_, e);
        break;
      case OPENSSL_CLEARTEXT_IN_KIND:
        --blocks_out_;
        openssl_freeEvent(e);
        break;
      default: openssl_freeEvent(e);  // a RECORD_IN
    }
  }
}

// On a worker if there are any, and their queue has room; else here and now.
void Connection::execute(OPENSSL_EVENT* call) {
  if (shared_.workers && openssl_submitCall(shared_.workers, call, shared_.completions)) return;
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  call->e.engine->call(call);
  shared_.metrics.add_inline_run(Clock::now() - begin);
  shared_.metrics.add_call(call->e, false);
  note_executed(call->e);
  openssl_putEvent(tls_, call);
}

Connection* Connection::take_back(Shared& shared, OPENSSL_EVENT* call) {
  if (call->kind == OPENSSL_ENGINE_CALL_IN_KIND) shared.metrics.add_call(call->e, true);
  const bool cancelled = openssl_isCancelled(call);
  auto* connection = static_cast<Connection*>(call->e.user);  // dangles if cancelled
  if (!cancelled) connection->note_executed(call->e);
  openssl_returnEvent(call);
  return cancelled ? nullptr : connection;
}

void Connection::note_status(const OPENSSL_STATUS& status) {
  switch (status.status) {
    case OPENSSL_STATUS_HANDSHAKE_DONE: {
      OPENSSL_NEGOTIATED n = {};
      established_ = true;
      ++shared_.metrics.handshakes;
      if (openssl_negotiated(tls_, &n) && n.resumed) ++shared_.metrics.resumptions;
      break;
    }
    case OPENSSL_STATUS_CLOSE_NOTIFY: peer_closed_ = true; break;
    case OPENSSL_STATUS_OUTPUT_CLOSED: output_closed_ = true; break;
    case OPENSSL_STATUS_ERROR:
      failed_ = true;
      shared_.metrics.add_failure(status, !established_);
      break;
  }
}

// Reads requests and puts blocks of answers, as far as they are wanted. True: the machine has got something to do.
bool Connection::answer() {
  bool gave = false;
  while (!failed_ && !output_closing_ && blocks_out_ < kMostBlocks) {
    if (response_.active())
      gave |= put_block();
    else if (!cleartext_ || close_after_answer_ || !read_request())
      break;
  }
  // What comes after the last answer is not read.
  if (cleartext_ && (failed_ || output_closing_ || cleartext_used_ == static_cast<std::size_t>(cleartext_->c.len))) {
    give_back_cleartext();
    gave = true;
  }
  return close_if_done() || gave;
}

// Goes on with the cleartext that is here; true if an answer begins.
bool Connection::read_request() {
  const std::size_t left = static_cast<std::size_t>(cleartext_->c.len) - cleartext_used_;
  std::size_t taken = 0;
  const RequestReader::State state = reader_.take(cleartext_->c.buf + cleartext_used_, left, &taken);
  cleartext_used_ += taken;
  switch (state) {
    case RequestReader::State::partial: return false;
    case RequestReader::State::bad: start_answer(error_answer(400), false); return true;
    case RequestReader::State::too_large: start_answer(error_answer(431), false); return true;
    case RequestReader::State::complete: break;
  }
  const Request& request = reader_.request();
  head_request_ = request.method == "HEAD";
  const Answer answer = answer_request(request, {tls_, sign_thread_}, shared_);
  if (answer.quit && !head_request_) shared_.stopping = true;
  start_answer(answer, request.keep_alive && !shared_.stopping);
  return true;
}

void Connection::start_answer(const Answer& answer, bool keep_alive) {
  answered_ = true;
  shared_.metrics.add_request(tls_);
  if (!keep_alive) close_after_answer_ = true;
  response_.start(answer, !head_request_, keep_alive);
  head_request_ = false;
}

bool Connection::put_block() {
  OPENSSL_EVENT* block = response_.next_block();
  if (block && openssl_putEvent(tls_, block)) {
    ++blocks_out_;
    return true;
  }
  openssl_freeEvent(block);
  failed_ = true;  // no memory: what is in records is sent, and the client sees that the end is missing
  return false;
}

void Connection::give_back_cleartext() {
  if (!cleartext_) return;
  openssl_putEvent(tls_, cleartext_);
  cleartext_ = nullptr;
}

// Closes the output after the last answer, and tells the machine of the transport's end when no answer needs it any more.
// True: the machine has got something to do.
bool Connection::close_if_done() {
  if (failed_) return false;
  const bool answering = response_.active() || cleartext_;
  if (established_ && !output_closing_ && !response_.active()) {
    const bool last = close_after_answer_ || (!answering && (peer_closed_ || (shared_.stopping && answered_)));
    if (last) {
      output_closing_ = true;
      openssl_closeOutput(tls_);
      return true;
    }
  }
  if (transport_ended_ && !transport_end_told_ && !answering && blocks_out_ == 0) {
    transport_end_told_ = true;
    openssl_endInput(tls_);
    return true;
  }
  return false;
}

void Connection::give_up(const char* why) {
  if (!established_ && !failed_) shared_.metrics.add_abandoned_handshake(why);
  failed_ = true;
}

}  // namespace https
