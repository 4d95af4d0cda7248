// The functions in which a handshake may run. A thread that is cancelled in one of them, when it blocks, is unwound through
// them as through libssl's own: those that may block are not noexcept.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <climits>
#include <cstring>

#include "compat/by_events.h"
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
  if (ByEvents* events = ByEvents::of(ssl)) return events->handshake();
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

// The older forms: the number of bytes, or what SSL_get_error is to be asked about.
int read_by_events(ByEvents& events, void* buf, int num, bool peeks) noexcept {
  std::size_t taken = 0;
  if (events.read(buf, static_cast<std::size_t>(std::max(num, 0)), &taken, peeks)) return static_cast<int>(taken);
  return events.error() == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

int write_by_events(ByEvents& events, const void* buf, int num) noexcept {
  std::size_t written = 0;
  return events.write(buf, static_cast<std::size_t>(std::max(num, 0)), &written) ? static_cast<int>(written) : -1;
}

}  // namespace

int SSL_do_handshake(SSL* ssl) { return handshake(ssl, do_handshake); }
int SSL_connect(SSL* ssl) { return handshake(ssl, do_connect); }
int SSL_accept(SSL* ssl) { return handshake(ssl, do_accept); }

int SSL_read(SSL* ssl, void* buf, int num) {
  if (ByEvents* events = ByEvents::of(ssl)) return read_by_events(*events, buf, num, false);
  const auto real = [=] { return real_SSL_read(ssl, buf, num); };
  return num < 0 ? real() : move_data(ssl, SSL_RECEIVED_SHUTDOWN, real, -1);
}

int SSL_read_ex(SSL* ssl, void* buf, size_t num, size_t* readbytes) {
  if (ByEvents* events = ByEvents::of(ssl)) return events->read(buf, num, readbytes, false);
  return move_data(ssl, SSL_RECEIVED_SHUTDOWN, [=] { return real_SSL_read_ex(ssl, buf, num, readbytes); }, 0);
}

int SSL_peek(SSL* ssl, void* buf, int num) {
  if (ByEvents* events = ByEvents::of(ssl)) return read_by_events(*events, buf, num, true);
  const auto real = [=] { return real_SSL_peek(ssl, buf, num); };
  return num < 0 ? real() : move_data(ssl, SSL_RECEIVED_SHUTDOWN, real, -1);
}

int SSL_peek_ex(SSL* ssl, void* buf, size_t num, size_t* readbytes) {
  if (ByEvents* events = ByEvents::of(ssl)) return events->read(buf, num, readbytes, true);
  return move_data(ssl, SSL_RECEIVED_SHUTDOWN, [=] { return real_SSL_peek_ex(ssl, buf, num, readbytes); }, 0);
}

int SSL_write(SSL* ssl, const void* buf, int num) {
  if (ByEvents* events = ByEvents::of(ssl)) return write_by_events(*events, buf, num);
  const auto real = [=] { return real_SSL_write(ssl, buf, num); };
  return num < 0 ? real() : move_data(ssl, SSL_SENT_SHUTDOWN, real, -1);
}

int SSL_write_ex(SSL* ssl, const void* buf, size_t num, size_t* written) {
  if (ByEvents* events = ByEvents::of(ssl)) return events->write(buf, num, written);
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
  if (const ByEvents* events = ByEvents::of(ssl)) return value > 0 ? SSL_ERROR_NONE : events->error();
  const Session* session = value <= 0 ? Session::find(ssl) : nullptr;
  if (session && session->is_waiting() && ERR_peek_error() == 0) return session->error();
  return real_SSL_get_error(ssl, value);
}

int SSL_want(const SSL* ssl) {
  if (const ByEvents* events = ByEvents::of(ssl)) return events->want();
  const Session* session = Session::find(ssl);
  return session && session->is_waiting() ? session->want() : real_SSL_want(ssl);
}

int SSL_shutdown(SSL* ssl) {
  ByEvents* events = ByEvents::of(ssl);
  return events ? events->shutdown() : real_SSL_shutdown(ssl);
}

int SSL_pending(const SSL* ssl) {
  const ByEvents* events = ByEvents::of(ssl);
  return events ? static_cast<int>(std::min<std::size_t>(events->pending(), INT_MAX)) : real_SSL_pending(ssl);
}

int SSL_has_pending(const SSL* ssl) {
  const ByEvents* events = ByEvents::of(ssl);
  return events ? events->pending() > 0 : real_SSL_has_pending(ssl);
}
