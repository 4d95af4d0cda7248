// The sockets that the program watches with an epoll.
#ifndef COMPAT_WATCHED_H
#define COMPAT_WATCHED_H

namespace openssl_event::compat {

// It is in an epoll set, or its number was when somebody closed it.
bool is_watched(int fd) noexcept;

}  // namespace openssl_event::compat

#endif
