#include "compat/watched.h"

#include <sys/epoll.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "compat/real.h"

namespace openssl_event::compat {
namespace {

constexpr std::size_t kMost = std::size_t{1} << 20;  // descriptors; those above are taken for not watched
// Of each number the socket that an epoll watches under it; 0: none. Who closes one seldom tells an epoll first.
constinit std::atomic<std::uint32_t> watched[kMost];
constinit std::atomic<bool> any{false};
// The sockets that an epoll has been told of, each in the place of its number, until a much later one has that place.
constexpr std::size_t kRecent = std::size_t{1} << 18;
constinit std::atomic<std::uint32_t> recent[kRecent];
constinit Real<int(int, int, int, epoll_event*)> real_epoll_ctl("epoll_ctl");

bool has_entry(int fd) noexcept { return fd >= 0 && static_cast<std::size_t>(fd) < kMost; }

// The kernel numbers sockets with 32 bits, and none with 0.
std::uint32_t socket_at(int fd) noexcept {
  struct stat now;
  const int saved_errno = errno;
  const bool is_socket = fstat(fd, &now) == 0 && S_ISSOCK(now.st_mode);
  errno = saved_errno;
  return is_socket ? static_cast<std::uint32_t>(now.st_ino) : 0;
}

void note(int fd, int operation) noexcept {
  if (operation == EPOLL_CTL_MOD) return;
  const std::uint32_t socket = operation == EPOLL_CTL_ADD ? socket_at(fd) : 0;
  if (has_entry(fd)) watched[fd].store(socket, std::memory_order_relaxed);
  if (socket == 0) return;
  recent[socket % kRecent].store(socket, std::memory_order_relaxed);
  any.store(true, std::memory_order_relaxed);
}

int control(int epoll, int operation, int fd, epoll_event* event) noexcept {
  const int value = real_epoll_ctl(epoll, operation, fd, event);
  if (value == 0) note(fd, operation);
  return value;
}

}  // namespace

bool is_watched(int fd) noexcept {
  const std::uint32_t socket = has_entry(fd) ? watched[fd].load(std::memory_order_relaxed) : 0;
  return socket != 0 && socket == socket_at(fd);
}

bool was_never_watched(int fd) noexcept {
  const std::uint32_t socket = socket_at(fd);
  return socket != 0 && recent[socket % kRecent].load(std::memory_order_relaxed) != socket;
}

bool any_was_watched() noexcept { return any.load(std::memory_order_relaxed); }

}  // namespace openssl_event::compat

int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  return openssl_event::compat::control(epoll, operation, fd, event);
}
