#include "compat/manner.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "compat/pool.h"
#include "compat/real.h"
#include "compat/report.h"
#include "compat/session.h"
#include "compat/settings.h"
#include "compat/waiting.h"
#include "compat/watched.h"
#include "openssl_event/operation.h"

namespace openssl_event::compat {
namespace {

std::atomic<bool> offloaded{false};

// A later handshake: application data may come in the middle of a renegotiation, and is for the program's SSL_read alone.
bool has_finished_one(const SSL* ssl) noexcept {
  char finished;
  return SSL_get_finished(ssl, &finished, sizeof finished) != 0;
}

// Programs with select or poll often wait for readability only until a handshake is over, whatever SSL_get_error says
// (openssl s_server, Python's asyncore): they would wait for ever. Those with epoll have an event loop worth sparing.
bool wants_edges(const SSL* ssl) noexcept {
  const int fd = writing_fd(ssl);
  if (settings().nonblocking != Nonblocking::edge || !is_watched(fd)) return false;
  const int saved_errno = errno;
  const bool wants = is_nonblocking_tcp(fd);
  errno = saved_errno;
  return wants;
}

// Nothing but the socket's own bytes comes to libssl, and some are there.
bool has_bytes_to_read(const SSL* ssl, int fd) noexcept {
  BIO* reader = SSL_get_rbio(ssl);
  int bytes = 0;
  return reader && BIO_method_type(reader) == BIO_TYPE_SOCKET && SSL_get_rfd(ssl) == fd && ioctl(fd, FIONREAD, &bytes) == 0 &&
         bytes > 0;
}

bool has_failed(const SSL* ssl) noexcept { return std::strcmp(SSL_state_string(ssl), "SSLERR") == 0; }

}  // namespace

// SSL_shutdown does nothing before a handshake has finished, but its error tells.
bool has_role(SSL* ssl) noexcept {
  ERR_set_mark();
  real_SSL_shutdown(ssl);
  const bool has = ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_SHUTDOWN_WHILE_IN_INIT;
  ERR_pop_to_mark();
  return has;
}

bool is_stream_tls(const SSL* ssl) noexcept {
#if OPENSSL_VERSION_NUMBER >= 0x30200000L
  if (SSL_is_quic(ssl)) return false;
#endif
  return !SSL_is_dtls(ssl);
}

bool nothing_is_offloaded() noexcept { return !offloaded.load(std::memory_order_relaxed); }

void note_offloaded_key() noexcept {
  prepare_pool();
  prepare_report();
  perform_outside_by(perform_and_wait);
  offloaded.store(true, std::memory_order_relaxed);
}

Manner manner_of(SSL* ssl) noexcept {
  const Session* session = Session::find(ssl);
  if (session && session->is_suspended()) return Manner::suspend;
  if (!is_stream_tls(ssl) || has_finished_one(ssl)) return Manner::direct;
  if (session && session->never_suspends()) return Manner::direct;
  return (session && session->async()) || wants_edges(ssl) ? Manner::suspend : Manner::direct;
}

bool comes_before_its_epoll(SSL* ssl) noexcept {
  if (settings().nonblocking != Nonblocking::edge || !any_was_watched()) return false;
  if (!is_stream_tls(ssl) || !SSL_is_server(ssl) || !SSL_in_before(ssl)) return false;
  const int fd = writing_fd(ssl);
  if (is_watched(fd) || !was_never_watched(fd)) return false;
  const int saved_errno = errno;
  const bool comes = is_nonblocking_tcp(fd) && has_bytes_to_read(ssl, fd);
  errno = saved_errno;
  return comes;
}

bool handshake_is_due(SSL* ssl, int closed) noexcept {
  if (!SSL_in_init(ssl) || (SSL_get_shutdown(ssl) & closed) || has_failed(ssl)) return false;
  return manner_of(ssl) == Manner::suspend && (!SSL_in_before(ssl) || has_role(ssl));
}

int writing_fd(const SSL* ssl) noexcept { return SSL_get_wbio(ssl) ? SSL_get_wfd(ssl) : -1; }

bool is_nonblocking_tcp(int fd) noexcept {
  const int flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1;
  int protocol = 0;
  socklen_t size = sizeof protocol;
  return flags >= 0 && (flags & O_NONBLOCK) && getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
         protocol == IPPROTO_TCP;
}

}  // namespace openssl_event::compat
