// The functions of a handshake, and what they have answered. A thread that is cancelled in one of them, when it blocks, is unwound through
// them as through libssl's own: those that may block are not noexcept.
#include <openssl/err.h>
#include <openssl/ssl.h>

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

// SSL_accept has given the SSL its role before it waits for anything.
bool put_off(SSL* ssl, int (*function)(SSL*)) noexcept {
  if (!has_role(ssl)) {
    if (function != do_accept) return false;
    SSL_set_accept_state(ssl);
  }
  Session* session = Session::find_or_make(ssl);
  return session && session->put_off();
}

int handshake(SSL* ssl, int (*function)(SSL*)) {
  if (ByEvents* events = ByEvents::of(ssl)) return events->handshake();
  if (!ssl || nothing_is_offloaded() || from_inside(Session::find(ssl))) return function(ssl);
  if (manner_of(ssl) == Manner::suspend) {
    if (Session* session = Session::find_or_make(ssl)) return session->handshake(function);
  } else if (function != do_connect && comes_before_its_epoll(ssl) && put_off(ssl, function)) {
    return -1;
  }
  if (Session* session = Session::find(ssl)) session->forget_answer();
  const DirectCall direct(ssl);
  return function(ssl);
}

// What libssl wanted at its last turn is out of date: data has been moved without it since.
bool libssl_wants_in_vain(const Session& session) noexcept {
  return session.data_path() && session.data_path()->wants_nothing() && real_SSL_want(session.ssl()) != SSL_NOTHING;
}

}  // namespace

int SSL_do_handshake(SSL* ssl) { return handshake(ssl, do_handshake); }
int SSL_connect(SSL* ssl) { return handshake(ssl, do_connect); }
int SSL_accept(SSL* ssl) { return handshake(ssl, do_accept); }

// As libssl's: what is in the error queue comes first.
int SSL_get_error(const SSL* ssl, int value) {
  if (const ByEvents* events = ByEvents::of(ssl)) return value > 0 ? SSL_ERROR_NONE : events->error();
  const Session* session = value <= 0 ? Session::find(ssl) : nullptr;
  if (!session || ERR_peek_error() != 0) return real_SSL_get_error(ssl, value);
  if (session->is_waiting()) return session->error();
  return libssl_wants_in_vain(*session) ? SSL_ERROR_SYSCALL : real_SSL_get_error(ssl, value);
}

int SSL_want(const SSL* ssl) {
  if (const ByEvents* events = ByEvents::of(ssl)) return events->want();
  const Session* session = Session::find(ssl);
  if (session && session->is_waiting()) return session->want();
  return session && libssl_wants_in_vain(*session) ? SSL_NOTHING : real_SSL_want(ssl);
}

int SSL_shutdown(SSL* ssl) {
  if (ByEvents* events = ByEvents::of(ssl)) return events->shutdown();
  const int value = real_SSL_shutdown(ssl);
  if (Session* session = Session::find(ssl); session && !session->runs_here()) session->note_refused_shutdown();
  return value;
}
