// Bytes between a session and a non-blocking socket, for loops that are told when one is ready: poll, epoll, and the like.
#ifndef ADAPTERS_LOOP_SOCKET_H
#define ADAPTERS_LOOP_SOCKET_H

#include "adapters/loop/session.h"

namespace loop {

enum class Moved {
  bytes,      // and there may be more to move at once
  last,       // bytes, and the socket has no more, or takes no more, for now
  nothing,    // to be sent
  blocked,    // none: the socket is not ready
  end,        // the peer sends no more; the session has not been told
  broken,     // errno says why
  no_memory,
};

inline bool has_moved(Moved moved) { return moved == Moved::bytes || moved == Moved::last; }

// One read, into the buffer that the machine opens the records in. To be called while the session wants input.
Moved receive(int fd, Session& session);

// One write, of the records that are there.
Moved send(int fd, Session& session);

// What to wait for: POLLIN, POLLOUT, or both; EPOLLIN and EPOLLOUT are the same.
short wanted(const Session& session);

// All that can be done now: one read, if poll or epoll tells of any of these events, what the session makes of it, and
// writes until the socket takes no more. With all sent the socket's output is closed. False: the connection is over.
bool serve(int fd, Session& session, unsigned events);

}  // namespace loop

#endif
