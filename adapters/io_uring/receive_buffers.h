// Buffers that io_uring receives into (IORING_REGISTER_PBUF_RING), lent to records: one goes back to the kernel when the
// last RECORD_IN that lies in it has been freed.
#ifndef ADAPTERS_IO_URING_RECEIVE_BUFFERS_H
#define ADAPTERS_IO_URING_RECEIVE_BUFFERS_H

#include <liburing.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "adapters/loop/socket.h"

namespace loop {

class ReceiveBuffers {
 public:
  // The longest record and the beginning of the next.
  static constexpr std::size_t kSize = 20 * 1024;

  // `count` is a power of 2, at most 32768. nullptr: the kernel does not know them, or has no memory; errno says what.
  static std::unique_ptr<ReceiveBuffers> create(io_uring& ring, unsigned short group, unsigned count);
  ~ReceiveBuffers();  // after the ring has ended, and every record
  ReceiveBuffers(const ReceiveBuffers&) = delete;
  ReceiveBuffers& operator=(const ReceiveBuffers&) = delete;

  // Receives from the socket into them until that ends or is cancelled. For the completions see take().
  void prepare_receive(io_uring_sqe* sqe, int fd) const;

  // What a completion tells: as for receive() in socket.h, and `blocked` where the kernel was without a buffer, or the
  // receiving was cancelled. The session gets the bytes if they are wanted.
  Moved take(Session& session, const io_uring_cqe& completion, bool wanted);

 private:
  struct Lent final : Buffer {
    void unused() override { owner->give_back(*this); }
    ReceiveBuffers* owner = nullptr;
    char* bytes = nullptr;
    unsigned short number = 0;
  };

  ReceiveBuffers(unsigned short group, unsigned count) : group_(group), lent_(count) {}
  bool map();
  bool add_to(io_uring& ring);
  bool pass(Session& session, Lent& buffer, std::size_t len);
  Lent& take_buffer(const io_uring_cqe& completion);
  void give_back(Lent& buffer);
  std::size_t ring_size() const { return lent_.size() * sizeof(io_uring_buf); }

  const unsigned short group_;
  std::vector<Lent> lent_;
  io_uring_buf_ring* free_ = nullptr;  // those that the kernel may fill
  char* memory_ = nullptr;
  std::size_t in_use_ = 0;
};

}  // namespace loop

#endif
