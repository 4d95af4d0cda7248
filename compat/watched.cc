#include "compat/watched.h"

#include <sys/epoll.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "compat/real.h"

namespace openssl_event::compat {
namespace {

constexpr std::size_t kMost = std::size_t{1} << 20;  // descriptors; those above are taken for not watched
constinit std::atomic<std::uint64_t> watched[kMost / 64];
constinit Real<int(int, int, int, epoll_event*)> real_epoll_ctl("epoll_ctl");

constexpr std::uint64_t bit(std::size_t fd) noexcept { return std::uint64_t{1} << fd % 64; }

void note(int fd, int operation) noexcept {
  const auto number = static_cast<std::size_t>(fd);
  if (fd < 0 || number >= kMost) return;
  if (operation == EPOLL_CTL_DEL)
    watched[number / 64].fetch_and(~bit(number), std::memory_order_relaxed);
  else
    watched[number / 64].fetch_or(bit(number), std::memory_order_relaxed);
}

int control(int epoll, int operation, int fd, epoll_event* event) noexcept {
  const int value = real_epoll_ctl(epoll, operation, fd, event);
  if (value == 0) note(fd, operation);
  return value;
}

}  // namespace

bool is_watched(int fd) noexcept {
  const auto number = static_cast<std::size_t>(fd);
  return fd >= 0 && number < kMost && (watched[number / 64].load(std::memory_order_relaxed) & bit(number));
}

}  // namespace openssl_event::compat

int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  return openssl_event::compat::control(epoll, operation, fd, event);
}
