#include "adapters/loop/session.h"

namespace loop {

Session::Session(SSL* ssl, Role role, const Calls& calls, User& user) : calls_(calls), user_(user) {
  if (!ssl) return;
  if (role == Role::client)
    SSL_set_connect_state(ssl);
  else
    SSL_set_accept_state(ssl);
  tls_ = openssl_new(ssl);
  SSL_free(ssl);  // the machine has a reference of its own
  if (tls_) openssl_setUser(tls_, this);
}

Session::~Session() { openssl_free(tls_); }

bool Session::received(std::size_t len) {
  if (!openssl_inputFilled(tls_, len)) return false;
  while (OPENSSL_EVENT* record = openssl_nextFrame(tls_)) openssl_putEvent(tls_, record);
  return true;
}

void Session::run() {
  while (OPENSSL_EVENT* e = openssl_getEvent(tls_)) {
    switch (e->kind) {
      case OPENSSL_ENGINE_CALL_OUT_KIND: execute(e); break;
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

// On a worker if there are any, and their queue has room; else here and now.
void Session::execute(OPENSSL_EVENT* call) {
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
  if (!cancelled) session->user_.executed(call->e, {});
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
