#include "adapters/io_uring/receive_buffers.h"

#include <sys/mman.h>

#include <cerrno>
#include <new>

namespace loop {
namespace {

void* map_memory(std::size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

std::unique_ptr<ReceiveBuffers> ReceiveBuffers::create(io_uring& ring, unsigned short group, unsigned count) {
  std::unique_ptr<ReceiveBuffers> buffers(new ReceiveBuffers(group, count));
  return buffers->map() && buffers->add_to(ring) ? std::move(buffers) : nullptr;
}

ReceiveBuffers::~ReceiveBuffers() {
  if (free_) munmap(free_, ring_size());
  if (memory_) munmap(memory_, lent_.size() * kSize);
}

// Only the pages that are received into are memory.
bool ReceiveBuffers::map() {
  free_ = static_cast<io_uring_buf_ring*>(map_memory(ring_size()));
  memory_ = static_cast<char*>(map_memory(lent_.size() * kSize));
  return free_ && memory_;
}

bool ReceiveBuffers::add_to(io_uring& ring) {
  io_uring_buf_reg registration = {};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(free_);
  registration.ring_entries = static_cast<unsigned>(lent_.size());
  registration.bgid = group_;
  if (const int result = io_uring_register_buf_ring(&ring, &registration, 0); result < 0) {
    errno = -result;
    return false;
  }
  io_uring_buf_ring_init(free_);
  for (std::size_t i = 0; i < lent_.size(); ++i) {
    lent_[i].owner = this;
    lent_[i].bytes = memory_ + i * kSize;
    lent_[i].number = static_cast<unsigned short>(i);
    ++in_use_;
    give_back(lent_[i]);
  }
  return true;
}

void ReceiveBuffers::prepare_receive(io_uring_sqe* sqe, int fd) const {
  io_uring_prep_recv_multishot(sqe, fd, nullptr, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = group_;
}

Moved ReceiveBuffers::take(Session& session, const io_uring_cqe& completion, bool wanted) {
  if (completion.res == 0) return Moved::end;
  if (completion.res < 0) return completion.res == -ECANCELED || completion.res == -ENOBUFS ? Moved::blocked : Moved::broken;
  Lent& buffer = take_buffer(completion);
  buffer.use();
  const bool passed = !wanted || pass(session, buffer, static_cast<std::size_t>(completion.res));
  buffer.release();
  return passed ? Moved::bytes : Moved::no_memory;
}

ReceiveBuffers::Lent& ReceiveBuffers::take_buffer(const io_uring_cqe& completion) {
  ++in_use_;
  return lent_[completion.flags >> IORING_CQE_BUFFER_SHIFT];
}

// While slow sessions hold half of the buffers, what comes is copied, so that the kernel is never without.
bool ReceiveBuffers::pass(Session& session, Lent& buffer, std::size_t len) {
  const bool lend = in_use_ <= lent_.size() / 2;
  return session.received(buffer.bytes, len, lend ? &buffer : nullptr);
}

void ReceiveBuffers::give_back(Lent& buffer) {
  --in_use_;
  io_uring_buf_ring_add(free_, buffer.bytes, kSize, buffer.number, io_uring_buf_ring_mask(static_cast<unsigned>(lent_.size())), 0);
  io_uring_buf_ring_advance(free_, 1);
}

}  // namespace loop
