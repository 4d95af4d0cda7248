#include "compat/manner.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>

#include "compat/pool.h"
#include "compat/report.h"
#include "compat/session.h"
#include "compat/settings.h"
#include "compat/waiting.h"
#include "compat/watched.h"
#include "openssl_event/operation.h"

namespace openssl_event::compat {
namespace {

std::atomic<bool> offloaded{false};

bool is_stream_tls(const SSL* ssl) noexcept {
#if OPENSSL_VERSION_NUMBER >= 0x30200000L
  if (SSL_is_quic(ssl)) return false;
#endif
  return !SSL_is_dtls(ssl);
}

// A later handshake: application data may come in the middle of a renegotiation, and is for the program's SSL_read alone.
bool has_finished_one(const SSL* ssl) noexcept {
  char finished;
  return SSL_get_finished(ssl, &finished, sizeof finished) != 0;
}

// Programs with select or poll often wait for readability only until a handshake is over, whatever SSL_get_error says
// (openssl s_server, Python's asyncore): they would wait for ever. Those with epoll have an event loop worth sparing.
bool wants_edges(const SSL* ssl) noexcept {
  const int fd = SSL_get_wfd(ssl);
  if (settings().nonblocking != Nonblocking::edge || !is_watched(fd)) return false;
  const int saved_errno = errno;
  const bool wants = is_nonblocking_tcp(fd);
  errno = saved_errno;
  return wants;
}

}  // namespace

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

bool is_nonblocking_tcp(int fd) noexcept {
  const int flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1;
  int protocol = 0;
  socklen_t size = sizeof protocol;
  return flags >= 0 && (flags & O_NONBLOCK) && getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
         protocol == IPPROTO_TCP;
}

}  // namespace openssl_event::compat
