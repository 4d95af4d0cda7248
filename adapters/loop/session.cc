#include "adapters/loop/session.h"

#include <openssl/err.h>

#include <algorithm>

namespace loop {
namespace {

// The length of the TLS record that the bytes begin with (RFC 8446 5.1), if all of it is there; else 0.
std::size_t whole_record(const char* bytes, std::size_t len) {
  const auto* header = reinterpret_cast<const unsigned char*>(bytes);
  if (len < OPENSSL_RECORD_HEADER_SIZE || header[0] < 20 || header[0] > 24 || header[1] != 3) return 0;
  const std::size_t size = OPENSSL_RECORD_HEADER_SIZE + static_cast<std::size_t>(header[3] << 8 | header[4]);
  return size <= std::min<std::size_t>(len, OPENSSL_MAX_RECORD) ? size : 0;
}

}  // namespace

Session::Session(SSL* ssl, const Calls& calls, User& user)
    : calls_(calls), user_(user), tls_(ssl ? openssl_new(ssl) : nullptr) {
  if (tls_) openssl_setUser(tls_, this);
}

Session::~Session() { openssl_free(tls_); }

// Only the error queue tells a lack of memory from a lack of bytes.
bool Session::received(std::size_t len) {
  if (ERR_peek_error()) ERR_clear_error();
  if (!openssl_inputFilled(tls_, len)) return false;
  while (OPENSSL_EVENT* record = openssl_nextFrame(tls_)) openssl_putEvent(tls_, record);
  return ERR_peek_error() == 0;
}

bool Session::received(char* bytes, std::size_t len, Buffer* buffer) {
  while (len > 0) {
    OPENSSL_EVENT* record = buffer && !framing_ ? record_in_place(bytes, len, *buffer) : nullptr;
    std::size_t taken = record ? static_cast<std::size_t>(record->r.len) : 0;
    if (!record) {
      record = openssl_buildFrame(tls_, bytes, len, &taken);
      if (!record && taken < len) return false;
      framing_ = !record;
    }
    if (record) openssl_putEvent(tls_, record);
    bytes += taken;
    len -= taken;
  }
  return true;
}

// nullptr: the record is not whole, or there is no memory.
OPENSSL_EVENT* Session::record_in_place(char* bytes, std::size_t len, Buffer& buffer) {
  const std::size_t size = whole_record(bytes, len);
  if (size == 0) return nullptr;
  OPENSSL_EVENT* record = openssl_wrapRecordInEvent(
      bytes, size, [](void* arg) { static_cast<Buffer*>(arg)->release(); }, &buffer);
  if (record) buffer.use();
  return record;
}

void Session::input_ended() {
  input_ended_ = true;
  openssl_endInput(tls_);
}

void Session::run() {
  while (OPENSSL_EVENT* e = openssl_getEvent(tls_)) {
    switch (e->kind) {
      case OPENSSL_ENGINE_CALL_OUT_KIND: execute(e); break;
      case OPENSSL_LOOKUP_OUT_KIND: user_.lookup(e); break;
      case OPENSSL_RECORD_OUT_KIND: openssl_queueRecord(tls_, e); break;
      case OPENSSL_CLEARTEXT_OUT_KIND: user_.cleartext(e); break;
      case OPENSSL_CLEARTEXT_IN_KIND: user_.written(e); break;
      case OPENSSL_STATUS_OUT_KIND:
        note(e->s);
        user_.status(e->s);
        openssl_putEvent(tls_, e);
        break;
      default: openssl_freeEvent(e);  // a RECORD_IN
    }
  }
}

// By the engine itself if it can work by itself; on a worker if there are any, and their queue has room; else here and now.
void Session::execute(OPENSSL_EVENT* call) {
  if (call->e.engine->start && calls_.completions) {
    if (openssl_startCall(call, calls_.completions)) return;
    openssl_failCall(call, nullptr);
    openssl_putEvent(tls_, call);
    return;
  }
  if (calls_.workers && openssl_submitCall(calls_.workers, call, calls_.completions)) return;
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  call->e.engine->call(call);
  user_.executed(call->e, Clock::now() - begin);
  openssl_putEvent(tls_, call);
}

Session* Session::take_back(OPENSSL_EVENT* call) {
  const bool cancelled = openssl_isCancelled(call);
  auto* session = static_cast<Session*>(call->e.user);  // dangles if cancelled
  if (!cancelled && call->kind == OPENSSL_ENGINE_CALL_IN_KIND) session->user_.executed(call->e, {});
  openssl_returnEvent(call);
  return cancelled ? nullptr : session;
}

void Session::note(const OPENSSL_STATUS& status) {
  switch (status.status) {
    case OPENSSL_STATUS_HANDSHAKE_DONE: established_ = true; break;
    case OPENSSL_STATUS_CLOSE_NOTIFY: peer_closed_ = true; break;
    case OPENSSL_STATUS_OUTPUT_CLOSED: output_closed_ = true; break;
    case OPENSSL_STATUS_ERROR: failed_ = true; break;
  }
}

}  // namespace loop
