#include "adapters/io_uring/ring.h"

#include <cerrno>
#include <cstring>

namespace loop {

bool Ring::open(unsigned entries, unsigned completions) {
  io_uring_params params = {};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
  params.cq_entries = completions;
  const int result = io_uring_queue_init_params(entries, &ring_, &params);
  open_ = result == 0;
  if (!open_) errno = -result;
  return open_;
}

void Ring::close() {
  if (open_) io_uring_queue_exit(&ring_);
  open_ = false;
}

std::string Ring::explain(int reason) {
  std::string text = "this kernel lacks the io_uring that is needed (";
  text.append(std::strerror(reason)).append("): ");
  switch (reason) {
    case ENOSYS: return text + "it was built without, or a sandbox hides it";
    case EPERM:
    case EACCES: return text + "it is forbidden here: see /proc/sys/kernel/io_uring_disabled, or the sandbox's filter";
    case EINVAL: return text + "it is older than Linux 6.1";
    case ENOMEM: return text + "raise the limit of locked memory (ulimit -l)";
    default: return text + "Linux 6.1 or newer has it";
  }
}

io_uring_sqe* Ring::add(unsigned operation, void* object) {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
  while (!sqe) {  // the queue is full: the kernel takes it
    io_uring_submit(&ring_);
    sqe = io_uring_get_sqe(&ring_);
  }
  // The functions io_uring_prep_* leave it alone.
  io_uring_sqe_set_data64(sqe, name(operation, object));
  return sqe;
}

void Ring::cancel(unsigned operation, void* object, unsigned as) {
  io_uring_prep_cancel64(add(as), name(operation, object), 0);
}

bool Ring::submit_and_wait(int milliseconds) {
  __kernel_timespec limit = {milliseconds / 1000, milliseconds % 1000 * 1'000'000LL};
  io_uring_cqe* first = nullptr;
  const int result = io_uring_submit_and_wait_timeout(&ring_, &first, 1, milliseconds < 0 ? nullptr : &limit, nullptr);
  errno = result < 0 ? -result : 0;
  return result >= 0 || errno == ETIME || errno == EINTR || errno == EBUSY || errno == EAGAIN;
}

bool Ring::take(io_uring_cqe& completion) {
  io_uring_cqe* next = nullptr;
  if (io_uring_peek_cqe(&ring_, &next) != 0) return false;
  completion = *next;
  io_uring_cqe_seen(&ring_, next);
  return true;
}

}  // namespace loop
