#include "compat/manner.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <atomic>

#include "compat/session.h"
#include "compat/settings.h"
#include "compat/waiting.h"
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

// Only a TCP socket can be made writable again.
bool is_nonblocking_tcp(int fd) noexcept {
  const int flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1;
  if (flags < 0 || !(flags & O_NONBLOCK)) return false;
  int domain = 0, type = 0;
  socklen_t size = sizeof domain;
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) return false;
  size = sizeof type;
  return (domain == AF_INET || domain == AF_INET6) && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

}  // namespace

bool nothing_is_offloaded() noexcept { return !offloaded.load(std::memory_order_relaxed); }

void note_offloaded_key() noexcept {
  perform_outside_by(perform_and_wait);
  offloaded.store(true, std::memory_order_relaxed);
}

Manner manner_of(SSL* ssl) noexcept {
  const Session* session = Session::find(ssl);
  if (session && session->is_suspended()) return Manner::suspend;
  if (!is_stream_tls(ssl) || (session && session->never_suspends())) return Manner::direct;
  if (session && session->async()) return Manner::suspend;
  const bool edges = settings().nonblocking == Nonblocking::edge;
  return edges && is_nonblocking_tcp(SSL_get_wfd(ssl)) ? Manner::suspend : Manner::direct;
}

}  // namespace openssl_event::compat
