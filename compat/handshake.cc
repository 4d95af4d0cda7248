// The functions in which a handshake may run.
#include <openssl/ssl.h>

#include "compat/manner.h"
#include "compat/real.h"
#include "compat/session.h"
#include "compat/waiting.h"

using namespace openssl_event;
using namespace openssl_event::compat;

namespace {

int do_handshake(SSL* ssl) noexcept { return real_SSL_do_handshake(ssl); }
int do_connect(SSL* ssl) noexcept { return real_SSL_connect(ssl); }
int do_accept(SSL* ssl) noexcept { return real_SSL_accept(ssl); }

// libssl calls some of its public functions itself; then this layer has had its say already.
bool from_inside() noexcept { return Runner::current() != nullptr; }

int handshake(SSL* ssl, int (*function)(SSL*)) noexcept {
  if (!ssl || nothing_is_offloaded() || from_inside()) return function(ssl);
  Session* session = manner_of(ssl) == Manner::suspend ? Session::find_or_make(ssl) : nullptr;
  if (session) return session->handshake(function);
  DirectCall direct(ssl);
  return function(ssl);
}

// Before a function that moves data, and whose buffers must not be kept across a wait: finishes a handshake that is under
// way, or about to begin. True: go on; false: `value` is the answer, as of the handshake inside SSL_read.
bool handshake_is_over(SSL* ssl, int& value) noexcept {
  if (!ssl || nothing_is_offloaded() || from_inside()) return true;
  Session* session = Session::find(ssl);
  if (session) session->forget_answer();
  if (!(session && session->is_suspended())) {
    if (!SSL_in_init(ssl) || manner_of(ssl) != Manner::suspend) return true;
    session = Session::find_or_make(ssl);
    if (!session) return true;
  }
  value = session->handshake(do_handshake);
  if (value > 0) return true;
  value = -1;
  return false;
}

// Calls `function`, unless a handshake stands before it.
template <typename Function>
int after_handshake(SSL* ssl, Function function, int answer_if_not) noexcept {
  int value = 0;
  if (!handshake_is_over(ssl, value)) return answer_if_not;
  if (nothing_is_offloaded() || from_inside()) return function();
  DirectCall direct(ssl);
  return function();
}

// Functions that take early data keep the program's buffer across retries, so such an SSL waits where it stands.
void never_suspend(SSL* ssl) noexcept {
  if (nothing_is_offloaded() || from_inside()) return;
  Session* session = Session::find_or_make(ssl);
  if (!session || session->is_suspended()) return;
  session->set_never_suspends();
  session->forget_answer();
}

}  // namespace

int SSL_do_handshake(SSL* ssl) { return handshake(ssl, do_handshake); }
int SSL_connect(SSL* ssl) { return handshake(ssl, do_connect); }
int SSL_accept(SSL* ssl) { return handshake(ssl, do_accept); }

int SSL_read(SSL* ssl, void* buf, int num) {
  return after_handshake(ssl, [=] { return real_SSL_read(ssl, buf, num); }, -1);
}

int SSL_read_ex(SSL* ssl, void* buf, size_t num, size_t* readbytes) {
  return after_handshake(ssl, [=] { return real_SSL_read_ex(ssl, buf, num, readbytes); }, 0);
}

int SSL_peek(SSL* ssl, void* buf, int num) {
  return after_handshake(ssl, [=] { return real_SSL_peek(ssl, buf, num); }, -1);
}

int SSL_peek_ex(SSL* ssl, void* buf, size_t num, size_t* readbytes) {
  return after_handshake(ssl, [=] { return real_SSL_peek_ex(ssl, buf, num, readbytes); }, 0);
}

int SSL_write(SSL* ssl, const void* buf, int num) {
  return after_handshake(ssl, [=] { return real_SSL_write(ssl, buf, num); }, -1);
}

int SSL_write_ex(SSL* ssl, const void* buf, size_t num, size_t* written) {
  return after_handshake(ssl, [=] { return real_SSL_write_ex(ssl, buf, num, written); }, 0);
}

int SSL_read_early_data(SSL* ssl, void* buf, size_t num, size_t* readbytes) {
  never_suspend(ssl);
  return real_SSL_read_early_data(ssl, buf, num, readbytes);
}

int SSL_write_early_data(SSL* ssl, const void* buf, size_t num, size_t* written) {
  never_suspend(ssl);
  return real_SSL_write_early_data(ssl, buf, num, written);
}

// During a handshake it fails without touching it, suspended or not.
int SSL_shutdown(SSL* ssl) {
  if (Session* session = Session::find(ssl); session && !from_inside()) session->forget_answer();
  return real_SSL_shutdown(ssl);
}

int SSL_get_error(const SSL* ssl, int value) {
  if (const Session* session = Session::find(ssl); session && session->is_waiting() && value <= 0) return session->error();
  return real_SSL_get_error(ssl, value);
}

int SSL_want(const SSL* ssl) {
  if (const Session* session = Session::find(ssl); session && session->is_waiting()) return session->want();
  return real_SSL_want(ssl);
}
