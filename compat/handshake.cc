// The functions in which a handshake may run. A thread that is cancelled in one of them, when it blocks, is unwound through
// them as through libssl's own: those that may block are not noexcept.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstring>

#include "compat/manner.h"
#include "compat/real.h"
#include "compat/session.h"
#include "compat/waiting.h"

using namespace openssl_event;
using namespace openssl_event::compat;

namespace {

int do_handshake(SSL* ssl) { return real_SSL_do_handshake(ssl); }
int do_connect(SSL* ssl) { return real_SSL_connect(ssl); }
int do_accept(SSL* ssl) { return real_SSL_accept(ssl); }

// libssl calls some of its public functions itself; then this layer has had its say already.
bool from_inside(const Session* session) noexcept { return session && session->runs_here(); }

int handshake(SSL* ssl, int (*function)(SSL*)) {
  if (!ssl || nothing_is_offloaded() || from_inside(Session::find(ssl))) return function(ssl);
  Session* session = manner_of(ssl) == Manner::suspend ? Session::find_or_make(ssl) : nullptr;
  if (session) return session->handshake(function);
  const DirectCall direct(ssl);
  return function(ssl);
}

// SSL_shutdown does nothing before a handshake has finished, but its error tells.
bool has_role(SSL* ssl) noexcept {
  ERR_set_mark();
  real_SSL_shutdown(ssl);
  const bool has = ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_SHUTDOWN_WHILE_IN_INIT;
  ERR_pop_to_mark();
  return has;
}

bool has_failed(const SSL* ssl) noexcept { return std::strcmp(SSL_state_string(ssl), "SSLERR") == 0; }

// Whether libssl, asked to move data, would begin or go on with a handshake, which then belongs on a fiber.
bool handshake_is_due(SSL* ssl, int closed) noexcept {
  if (!SSL_in_init(ssl) || (SSL_get_shutdown(ssl) & closed) || has_failed(ssl)) return false;
  return manner_of(ssl) == Manner::suspend && (!SSL_in_before(ssl) || has_role(ssl));
}

// A function that moves data, and whose buffers must not be kept across a wait: after the handshake that is under way, or
// about to begin. `closed`: the flag of SSL_get_shutdown with which it fails before all else; `answer`: what it returns if
// the handshake has not finished.
template <typename Function>
int move_data(SSL* ssl, int closed, Function function, int answer) {
  if (!ssl || nothing_is_offloaded()) return function();
  Session* session = Session::find(ssl);
  if (from_inside(session)) return function();
  if (session) session->forget_answer();
  if ((session && session->is_suspended()) || handshake_is_due(ssl, closed)) {
    session = Session::find_or_make(ssl);
    if (session && session->handshake(do_handshake) <= 0) return answer;
  }
  const DirectCall direct(ssl);
  return function();
}

// Functions that take early data keep the program's buffer across retries, so such an SSL waits where it stands.
void never_suspend(SSL* ssl) noexcept {
  if (!ssl || nothing_is_offloaded()) return;
  Session* session = Session::find_or_make(ssl);
  if (session && !session->runs_here()) session->never_suspend();
}

}  // namespace

int SSL_do_handshake(SSL* ssl) { return handshake(ssl, do_handshake); }
int SSL_connect(SSL* ssl) { return handshake(ssl, do_connect); }
int SSL_accept(SSL* ssl) { return handshake(ssl, do_accept); }

int SSL_read(SSL* ssl, void* buf, int num) {
  const auto real = [=] { return real_SSL_read(ssl, buf, num); };
  return num < 0 ? real() : move_data(ssl, SSL_RECEIVED_SHUTDOWN, real, -1);
}

int SSL_read_ex(SSL* ssl, void* buf, size_t num, size_t* readbytes) {
  return move_data(ssl, SSL_RECEIVED_SHUTDOWN, [=] { return real_SSL_read_ex(ssl, buf, num, readbytes); }, 0);
}

int SSL_peek(SSL* ssl, void* buf, int num) {
  const auto real = [=] { return real_SSL_peek(ssl, buf, num); };
  return num < 0 ? real() : move_data(ssl, SSL_RECEIVED_SHUTDOWN, real, -1);
}

int SSL_peek_ex(SSL* ssl, void* buf, size_t num, size_t* readbytes) {
  return move_data(ssl, SSL_RECEIVED_SHUTDOWN, [=] { return real_SSL_peek_ex(ssl, buf, num, readbytes); }, 0);
}

int SSL_write(SSL* ssl, const void* buf, int num) {
  const auto real = [=] { return real_SSL_write(ssl, buf, num); };
  return num < 0 ? real() : move_data(ssl, SSL_SENT_SHUTDOWN, real, -1);
}

int SSL_write_ex(SSL* ssl, const void* buf, size_t num, size_t* written) {
  return move_data(ssl, SSL_SENT_SHUTDOWN, [=] { return real_SSL_write_ex(ssl, buf, num, written); }, 0);
}

int SSL_read_early_data(SSL* ssl, void* buf, size_t num, size_t* readbytes) {
  never_suspend(ssl);
  return real_SSL_read_early_data(ssl, buf, num, readbytes);
}

int SSL_write_early_data(SSL* ssl, const void* buf, size_t num, size_t* written) {
  never_suspend(ssl);
  return real_SSL_write_early_data(ssl, buf, num, written);
}

// As libssl's: what is in the error queue comes first.
int SSL_get_error(const SSL* ssl, int value) {
  const Session* session = value <= 0 ? Session::find(ssl) : nullptr;
  if (session && session->is_waiting() && ERR_peek_error() == 0) return session->error();
  return real_SSL_get_error(ssl, value);
}

int SSL_want(const SSL* ssl) {
  const Session* session = Session::find(ssl);
  return session && session->is_waiting() ? session->want() : real_SSL_want(ssl);
}
