// Records on their way by io_uring: the kernel's from begin to end, so that the session keeps them where they are.
#ifndef ADAPTERS_IO_URING_SEND_H
#define ADAPTERS_IO_URING_SEND_H

#include <sys/socket.h>

#include "adapters/io_uring/ring.h"
#include "adapters/loop/session.h"

namespace loop {

// One at a time, of all records that are there. It must not move, nor the session end, while it is active.
class Send {
 public:
  // True: it is active, and ends by a completion of this operation and object.
  bool begin(Ring& ring, unsigned operation, void* object, int fd, const Session& session);
  // With the completion's result. False: the connection is broken.
  bool end(Session& session, int result);
  bool active() const { return active_; }

 private:
  static constexpr int kSlices = 16;
  iovec slices_[kSlices];
  msghdr message_ = {};
  bool active_ = false;
};

}  // namespace loop

#endif
