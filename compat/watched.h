// The sockets that the program watches with an epoll.
#ifndef COMPAT_WATCHED_H
#define COMPAT_WATCHED_H

namespace openssl_event::compat {

// This socket is in an epoll set under this number, or was in one that has been closed since. Leaves errno alone.
bool is_watched(int fd) noexcept;
// Some socket was.
bool any_was_watched() noexcept;
// The socket with this number is new to every epoll: not in one, under whatever number, and not in one before.
bool was_never_watched(int fd) noexcept;

}  // namespace openssl_event::compat

#endif
