// An io_uring for one thread, its completions named by an operation and the object that it is of.
#ifndef ADAPTERS_IO_URING_RING_H
#define ADAPTERS_IO_URING_RING_H

#include <liburing.h>
#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace loop {

class Ring {
 public:
  Ring() = default;
  ~Ring() { close(); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // On the thread that uses it. False: the kernel lacks what is needed, which is Linux 6.1's; errno says what.
  bool open(unsigned entries, unsigned completions);
  void close();  // ends what is in flight, without completions

  // What to tell people when open() has failed for `reason`.
  static std::string explain(int reason);

  io_uring* get() { return &ring_; }

  // A place in the submission queue for an operation of `object` (aligned as new aligns; may be nullptr), a number below 16.
  io_uring_sqe* add(unsigned operation, void* object = nullptr);
  // Ends an operation that is in flight; it completes with -ECANCELED, or as it was about to. Its own completion has the
  // operation `as`.
  void cancel(unsigned operation, void* object, unsigned as);
  // Completes whenever the descriptor becomes readable, until the completion says that it is the last.
  void watch(int fd, unsigned operation) { io_uring_prep_poll_multishot(add(operation), fd, POLLIN); }

  static unsigned operation_of(const io_uring_cqe& completion) { return completion.user_data % kAlignment; }
  template <typename T>
  static T* object_of(const io_uring_cqe& completion) {
    return reinterpret_cast<T*>(completion.user_data - operation_of(completion));
  }
  static bool is_last(const io_uring_cqe& completion) { return !(completion.flags & IORING_CQE_F_MORE); }

  // Submits, and waits for a completion, at most so long (-1: without limit). False: errno says why.
  bool submit_and_wait(int milliseconds);
  // Takes the next completion; false: there is none.
  bool take(io_uring_cqe& completion);

 private:
  static constexpr std::uintptr_t kAlignment = __STDCPP_DEFAULT_NEW_ALIGNMENT__;
  
  static std::uint64_t name(unsigned operation, void* object) { return reinterpret_cast<std::uintptr_t>(object) | operation; }

  io_uring ring_ = {};
  bool open_ = false;
};

}  // namespace loop

#endif
