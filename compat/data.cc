// The functions that move application data. A thread that is cancelled in one of them, when it blocks, is unwound
// through them as through libssl's own: they are not noexcept.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <climits>

#include "compat/by_events.h"
#include "compat/manner.h"
#include "compat/real.h"
#include "compat/session.h"
#include "compat/waiting.h"

using namespace openssl_event;
using namespace openssl_event::compat;

namespace {

int do_handshake(SSL* ssl) { return real_SSL_do_handshake(ssl); }

// libssl's function, whose buffers must not be kept across a wait: after the handshake that is under way, or about to
// begin. `closed`: the flag of SSL_get_shutdown with which it fails before all else; `answer`: what it returns if the
// handshake has not finished.
template <typename Function>
int move_data(SSL* ssl, Session* session, int closed, int answer, Function function) {
  if (!ssl || nothing_is_offloaded()) return function();
  if (session && session->runs_here()) return function();
  if (session) session->forget_answer();
  if ((session && session->is_suspended()) || handshake_is_due(ssl, closed)) {
    session = Session::find_or_make(ssl);
    if (session && session->handshake(do_handshake) <= 0) return answer;
  } else if (comes_before_its_epoll(ssl) && !(SSL_get_shutdown(ssl) & closed) && has_role(ssl)) {
    session = Session::find_or_make(ssl);
    if (session && session->put_off()) return answer;
  }
  const DirectCall direct(ssl);
  return function();
}

DataPath* path_of(const Session* session) noexcept { return session ? session->data_path() : nullptr; }

// Functions that take early data keep the program's buffer across retries, so such an SSL waits where it stands; and
// they have states of their own, in which data must not be moved.
void use_early_data(SSL* ssl) noexcept {
  if (DataPath* path = path_of(Session::find(ssl))) path->leave_to_libssl();
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

int read_data(SSL* ssl, void* buf, int num, bool peeks, Real<int(SSL*, void*, int)>& real) {
  if (ByEvents* events = ByEvents::of(ssl)) return read_by_events(*events, buf, num, peeks);
  if (num < 0) return real(ssl, buf, num);
  Session* const session = Session::find(ssl);
  const auto libssl = [=, &real] {
    return move_data(ssl, session, SSL_RECEIVED_SHUTDOWN, -1, [=, &real] { return real(ssl, buf, num); });
  };
  DataPath* const path = path_of(session);
  if (!path) return libssl();
  session->forget_answer();
  std::size_t taken = 0;
  const int value = path->read(buf, static_cast<std::size_t>(num), peeks, taken, libssl);
  return taken > 0 ? static_cast<int>(taken) : value;
}

int read_data_ex(SSL* ssl, void* buf, size_t num, size_t* readbytes, bool peeks,
                 Real<int(SSL*, void*, size_t, size_t*)>& real) {
  if (ByEvents* events = ByEvents::of(ssl)) return events->read(buf, num, readbytes, peeks);
  Session* const session = Session::find(ssl);
  const auto libssl = [=, &real] {
    return move_data(ssl, session, SSL_RECEIVED_SHUTDOWN, 0, [=, &real] { return real(ssl, buf, num, readbytes); });
  };
  DataPath* const path = path_of(session);
  if (!path) return libssl();
  session->forget_answer();
  std::size_t taken = 0;
  const int value = path->read(buf, num, peeks, taken, libssl);
  if (taken > 0) *readbytes = taken;
  return value;
}

int write_by_events(ByEvents& events, const void* buf, int num) noexcept {
  std::size_t written = 0;
  return events.write(buf, static_cast<std::size_t>(std::max(num, 0)), &written) ? static_cast<int>(written) : -1;
}

template <typename Function>
int write_data_ex(SSL* ssl, const void* buf, size_t num, size_t* written, Function&& real) {
  if (ByEvents* events = ByEvents::of(ssl)) return events->write(buf, num, written);
  Session* const session = Session::find(ssl);
  int value = 1;  // of libssl's turn
  const auto libssl = [=, &value, &real](const void* data, size_t size) -> long {
    size_t portion = 0;
    value = move_data(ssl, session, SSL_SENT_SHUTDOWN, 0,
                      [=, &portion, &real] { return real(ssl, data, size, &portion); });
    return value > 0 ? static_cast<long>(portion) : value;
  };
  DataPath* const path = path_of(session);
  if (session) session->forget_answer();
  const long sum = path ? path->write(buf, num, libssl) : libssl(buf, num);
  if (value > 0) *written = static_cast<size_t>(sum);
  return value;
}

}  // namespace

int SSL_read(SSL* ssl, void* buf, int num) { return read_data(ssl, buf, num, false, real_SSL_read); }
int SSL_peek(SSL* ssl, void* buf, int num) { return read_data(ssl, buf, num, true, real_SSL_peek); }

int SSL_read_ex(SSL* ssl, void* buf, size_t num, size_t* readbytes) {
  return read_data_ex(ssl, buf, num, readbytes, false, real_SSL_read_ex);
}

int SSL_peek_ex(SSL* ssl, void* buf, size_t num, size_t* readbytes) {
  return read_data_ex(ssl, buf, num, readbytes, true, real_SSL_peek_ex);
}

int SSL_write(SSL* ssl, const void* buf, int num) {
  if (ByEvents* events = ByEvents::of(ssl)) return write_by_events(*events, buf, num);
  if (num < 0) return real_SSL_write(ssl, buf, num);
  Session* const session = Session::find(ssl);
  int value = 1;  // of libssl's turn
  const auto libssl = [=, &value](const void* data, size_t size) {
    return value = move_data(ssl, session, SSL_SENT_SHUTDOWN, -1,
                             [=] { return real_SSL_write(ssl, data, static_cast<int>(size)); });
  };
  DataPath* const path = path_of(session);
  if (!path) return libssl(buf, static_cast<size_t>(num));
  session->forget_answer();
  const long written = path->write(buf, static_cast<size_t>(num), libssl);
  return value > 0 ? static_cast<int>(written) : value;
}

int SSL_write_ex(SSL* ssl, const void* buf, size_t num, size_t* written) {
  return write_data_ex(ssl, buf, num, written, real_SSL_write_ex);
}

// Of libssl 3.3 and newer. Flags are for QUIC; for TLS libssl refuses them.
int SSL_write_ex2(SSL* ssl, const void* buf, size_t num, uint64_t flags, size_t* written) {
  if (!real_SSL_write_ex2.exists()) {
    if (flags == 0) return SSL_write_ex(ssl, buf, num, written);
    ERR_raise(ERR_LIB_SSL, ERR_R_UNSUPPORTED);
    return 0;
  }
  if (flags != 0) return real_SSL_write_ex2(ssl, buf, num, flags, written);
  return write_data_ex(ssl, buf, num, written, [](SSL* own, const void* data, size_t size, size_t* portion) {
    return real_SSL_write_ex2(own, data, size, 0, portion);
  });
}

int SSL_read_early_data(SSL* ssl, void* buf, size_t num, size_t* readbytes) {
  use_early_data(ssl);
  return real_SSL_read_early_data(ssl, buf, num, readbytes);
}

int SSL_write_early_data(SSL* ssl, const void* buf, size_t num, size_t* written) {
  use_early_data(ssl);
  return real_SSL_write_early_data(ssl, buf, num, written);
}

int SSL_pending(const SSL* ssl) {
  const ByEvents* events = ByEvents::of(ssl);
  if (events) return static_cast<int>(std::min<std::size_t>(events->pending(), INT_MAX));
  const DataPath* path = path_of(Session::find(ssl));
  return real_SSL_pending(ssl) + (path ? static_cast<int>(path->pending()) : 0);
}

int SSL_has_pending(const SSL* ssl) {
  const ByEvents* events = ByEvents::of(ssl);
  if (events) return events->pending() > 0;
  const DataPath* path = path_of(Session::find(ssl));
  return (path && path->has_pending()) || real_SSL_has_pending(ssl);
}

// libssl frees them unless there is something in them.
int SSL_free_buffers(SSL* ssl) {
  const DataPath* path = path_of(Session::find(ssl));
  return path && path->holds_input() ? 0 : real_SSL_free_buffers(ssl);
}

// What libssl says when it has read a header and waits for the rest.
const char* SSL_rstate_string(const SSL* ssl) {
  const DataPath* path = path_of(Session::find(ssl));
  return path && path->in_record() ? "RB" : real_SSL_rstate_string(ssl);
}

const char* SSL_rstate_string_long(const SSL* ssl) {
  const DataPath* path = path_of(Session::find(ssl));
  return path && path->in_record() ? "read body" : real_SSL_rstate_string_long(ssl);
}
