#include "examples/https_server/connection.h"

#include <memory>

#include "examples/https_server/trace.h"

namespace https {
namespace {

constexpr unsigned kRecordsWindow = 16;   // records that wait to be sent: 256 KiB at most
constexpr unsigned kCleartextWindow = 1;  // a client that sends faster than it is answered waits: see cleartext_
constexpr int kMostBlocks = 2;            // one that becomes records, and one behind it

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

std::unique_ptr<SSL, FreeSsl> make_ssl(const Shared& shared) {
  const bool prepared = !shared.unprepared || shared.path_choice.pays();
  std::unique_ptr<SSL, FreeSsl> ssl(SSL_new(prepared ? shared.context : shared.unprepared));
  if (ssl) SSL_set_accept_state(ssl.get());
  return ssl;
}

}  // namespace

Connection::Connection(Shared& shared, void* transport)
    : shared_(shared),
      transport_(transport),
      number_(++shared.metrics.accepted),
      session_(make_ssl(shared).get(), shared.calls, *this) {
  ++shared_.metrics.open;
  if (!valid()) return;
  openssl_setWindow(session_.tls(), kRecordsWindow, kCleartextWindow);
  if (shared_.options.trace) openssl_setTrace(session_.tls(), print_event, &number_);
}

Connection::~Connection() {
  --shared_.metrics.open;
  if (!valid()) return;
  openssl_setTrace(session_.tls(), nullptr, nullptr);
  give_back_cleartext();
  shared_.lookups->forget_removed();
  if (session_.established()) shared_.path_choice.learn(answers_, bytes_answered_);
}

void Connection::input_ended() { transport_ended_ = true; }

void Connection::run() {
  do {
    session_.run();
  } while (answer());
}

void Connection::cleartext(OPENSSL_EVENT* block) {
  cleartext_ = block;
  cleartext_used_ = 0;
}

void Connection::written(OPENSSL_EVENT* block) {
  --blocks_out_;
  bytes_answered_ += static_cast<std::uint64_t>(block->c.len);
  openssl_freeEvent(block);
}

void Connection::status(const OPENSSL_STATUS& status) {
  if (status.status == OPENSSL_STATUS_HANDSHAKE_DONE) {
    OPENSSL_NEGOTIATED n = {};
    ++shared_.metrics.handshakes;
    if (openssl_negotiated(session_.tls(), &n) && n.resumed) ++shared_.metrics.resumptions;
  }
  if (status.session) shared_.lookups->store(status.session);
  if (status.status != OPENSSL_STATUS_ERROR) return;
  shared_.metrics.add_failure(status, !session_.established());
  shared_.complaints.add(shared_.options.program.c_str(), status);
}

void Connection::executed(const OPENSSL_ENGINE_CALL& call, std::optional<std::chrono::nanoseconds> in_place) {
  if (call.optype == OPENSSL_OPERATION_SIGN) sign_thread_ = call.thread;
  if (!in_place) return;  // a worker's: see take_back
  shared_.metrics.add_inline_run(*in_place);
  shared_.metrics.add_call(call, false);
}

Connection* Connection::take_back(Shared& shared, OPENSSL_EVENT* call) {
  if (call->kind == OPENSSL_ENGINE_CALL_IN_KIND) shared.metrics.add_call(call->e, true);
  loop::Session* session = loop::Session::take_back(call);
  return session ? static_cast<Connection*>(&session->user()) : nullptr;
}

// Reads requests and puts blocks of answers, as far as they are wanted. True: the machine has got something to do.
bool Connection::answer() {
  bool gave = false;
  while (!session_.failed() && !output_closing_ && blocks_out_ < kMostBlocks) {
    if (response_.active())
      gave |= put_block();
    else if (!cleartext_ || close_after_answer_ || !read_request())
      break;
  }
  // What comes after the last answer is not read.
  if (cleartext_ && (session_.failed() || output_closing_ || cleartext_used_ == static_cast<std::size_t>(cleartext_->c.len))) {
    give_back_cleartext();
    gave = true;
  }
  return close_if_done() || gave;
}

// Goes on with the cleartext that is here; true if an answer begins.
bool Connection::read_request() {
  const std::size_t left = static_cast<std::size_t>(cleartext_->c.len) - cleartext_used_;
  std::size_t taken = 0;
  const bool was_in_head = reader_.in_head();
  const RequestReader::State state = reader_.take(cleartext_->c.buf + cleartext_used_, left, &taken);
  cleartext_used_ += taken;
  if (state != RequestReader::State::partial || reader_.in_body() || (reader_.in_head() && !was_in_head)) ++progress_;
  switch (state) {
    case RequestReader::State::partial: return false;
    case RequestReader::State::refused: start_answer(error_answer(reader_.refusal()), After::close); return true;
    case RequestReader::State::lost: close_after_answer_ = true; return false;
    case RequestReader::State::complete: break;
  }
  const Request& request = reader_.request();
  head_request_ = request.method == "HEAD";
  const Answer answer = answer_request(request, {session_.tls(), sign_thread_}, shared_);
  if (answer.quit && !head_request_) shared_.stopping = true;
  const bool stays = request.keep_alive && !shared_.stopping;
  start_answer(answer, !stays ? After::close : request.version_1_1 ? After::stay : After::stay_1_0);
  return true;
}

void Connection::start_answer(const Answer& answer, After after) {
  ++answers_;
  shared_.metrics.add_request(session_.tls());
  if (after == After::close) close_after_answer_ = true;
  response_.start(answer, !head_request_, after);
  head_request_ = false;
}

bool Connection::put_block() {
  OPENSSL_EVENT* block = response_.next_block();
  if (block && openssl_putEvent(session_.tls(), block)) {
    ++blocks_out_;
    return true;
  }
  openssl_freeEvent(block);
  session_.fail();  // no memory: what is in records is sent, and the client sees that the end is missing
  return false;
}

void Connection::give_back_cleartext() {
  if (!cleartext_) return;
  openssl_putEvent(session_.tls(), cleartext_);
  cleartext_ = nullptr;
}

// Closes the output after the last answer, and tells the machine of the transport's end when no answer needs it any more.
// True: the machine has got something to do.
bool Connection::close_if_done() {
  if (session_.failed()) return false;
  const bool answering = response_.active() || cleartext_;
  if (session_.established() && !output_closing_ && !response_.active()) {
    const bool last = close_after_answer_ || (!answering && (session_.peer_closed() || (shared_.stopping && answers_ > 0)));
    if (last) {
      output_closing_ = true;
      openssl_closeOutput(session_.tls());
      return true;
    }
  }
  if (transport_ended_ && !transport_end_told_ && !answering && blocks_out_ == 0) {
    transport_end_told_ = true;
    session_.input_ended();
    return true;
  }
  return false;
}

void Connection::close_when_done() {
  close_after_answer_ = true;
  if (reader_.in_head() && !response_.active()) start_answer(error_answer(408), After::close);
}

void Connection::give_up(const char* why) {
  if (!session_.established() && !session_.failed()) shared_.metrics.add_abandoned_handshake(why);
  session_.fail();
}

}  // namespace https
