#include "adapters/loop/socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

namespace loop {
namespace {

constexpr int kSlices = 16;

Moved failed(int reason) {
  if (reason == EINTR) return Moved::bytes;  // once more
  return reason == EAGAIN || reason == EWOULDBLOCK ? Moved::blocked : Moved::broken;
}

}  // namespace

// A read that does not fill the space has got all there was: epoll(7).
Moved receive(int fd, Session& session) {
  std::size_t room = 0;
  char* space = session.input_space(&room);
  if (!space) return Moved::no_memory;
  const ssize_t n = read(fd, space, room);
  if (n < 0) return failed(errno);
  if (n == 0) return Moved::end;
  if (!session.received(static_cast<std::size_t>(n))) return Moved::no_memory;
  return static_cast<std::size_t>(n) < room ? Moved::last : Moved::bytes;
}

Moved send(int fd, Session& session) {
  iovec slices[kSlices];
  const int count = session.gather(slices, kSlices);
  if (count <= 0) return Moved::nothing;
  std::size_t total = 0;
  for (int i = 0; i < count; ++i) total += slices[i].iov_len;
  const ssize_t n = writev(fd, slices, count);
  if (n < 0) return failed(errno);
  session.sent(static_cast<std::size_t>(n));
  return static_cast<std::size_t>(n) < total ? Moved::last : Moved::bytes;
}

short wanted(const Session& session) {
  return static_cast<short>((session.wants_input() ? POLLIN : 0) | (session.unsent() ? POLLOUT : 0));
}

bool serve(int fd, Session& session, unsigned events) {
  if (events & (POLLIN | POLLHUP | POLLERR)) {
    const Moved received = receive(fd, session);
    if (received == Moved::end) session.input_ended();
    if (received == Moved::broken || received == Moved::no_memory) return false;
  }
  Moved sent;
  do {
    session.run();
    sent = send(fd, session);
  } while (has_moved(sent));  // what has been sent makes room for more
  if (sent == Moved::broken) return false;
  // Closing with input unread would make the kernel send a reset, which may overtake the last records.
  return !session.finished() || (!session.ended() && shutdown(fd, SHUT_WR) == 0);
}

}  // namespace loop
