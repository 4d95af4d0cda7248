#include "adapters/io_uring/send.h"

#include <cerrno>

namespace loop {

bool Send::begin(Ring& ring, unsigned operation, void* object, int fd, const Session& session) {
  const int count = active_ ? 0 : session.gather(slices_, kSlices);
  if (count <= 0) return false;
  message_.msg_iov = slices_;
  message_.msg_iovlen = static_cast<std::size_t>(count);
  io_uring_prep_sendmsg(ring.add(operation, object), fd, &message_, MSG_NOSIGNAL);
  return active_ = true;
}

bool Send::end(Session& session, int result) {
  active_ = false;
  if (result >= 0) session.sent(static_cast<std::size_t>(result));
  return result >= 0 || result == -EINTR || result == -EAGAIN;
}

}  // namespace loop
