// Events come home from any thread to the one that collects them.
#include <openssl/err.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <new>

#include "openssl_event/event.h"

namespace openssl_event {
namespace {

// Any thread posts: it pushes on `posted_`, newest first, and writes the descriptor if it found that list empty.
// One thread collects: it takes all of `posted_` at once, and hands it out from `fifo_`, oldest first.
//
// Each time `posted_` goes from empty to not empty there is exactly one such write, and each time the collector takes a
// list, one such time is over. So `unread_` tells the collector what the descriptor holds, or is about to, without asking
// the kernel, and the descriptor is readable exactly while an event is left, except when a post is on its way: its write
// may come after its event has been collected, and is then read by the next collect.
class Completions {
 public:
  explicit Completions(int fd) noexcept : fd_(fd) {}
  ~Completions() {
    if (fd_ >= 0) close(fd_);
  }
  Completions(const Completions&) = delete;
  Completions& operator=(const Completions&) = delete;

  int fd() const noexcept { return fd_; }

  void post(Event* e) noexcept {
    Event* newest = posted_.load(std::memory_order_relaxed);
    do {
      e->completion_next = newest;
    } while (!posted_.compare_exchange_weak(newest, e, std::memory_order_release, std::memory_order_relaxed));
    if (!newest) wake();
  }

  Event* collect() noexcept {
    if (!fifo_) take_posted();
    Event* e = fifo_;
    if (e) {
      fifo_ = e->completion_next;
      e->completion_next = nullptr;
    }
    if (!fifo_ && unread_ > 0 && !posted_.load(std::memory_order_relaxed)) settle();
    return e;
  }

 private:
  void take_posted() noexcept {
    Event* newest = posted_.exchange(nullptr, std::memory_order_acquire);
    if (newest) unread_++;
    while (newest) {
      Event* older = newest->completion_next;
      newest->completion_next = fifo_;
      fifo_ = newest;
      newest = older;
    }
  }

  // Makes the descriptor unreadable. What it reads may hold the write for a list that is not taken yet: that goes back.
  void settle() noexcept {
    std::uint64_t writes = 0;
    if (read(fd_, &writes, sizeof writes) != sizeof writes) return;  // the write is still to come
    unread_ -= static_cast<std::int64_t>(writes);
    if (unread_ < 0) {
      wake();
      unread_++;
    }
  }

  // Cannot fail: the sum of all writes stays far below what an eventfd counts to.
  void wake() noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(fd_, &one, sizeof one);
  }

  const int fd_;
  std::atomic<Event*> posted_{nullptr};  // pushed by any thread, taken by the collecting one
  alignas(64) Event* fifo_ = nullptr;    // from here on: the collecting thread's
  std::int64_t unread_ = 0;              // writes for lists taken, not read yet; -1 only inside settle
};

}  // namespace
}  // namespace openssl_event

using namespace openssl_event;

struct openssl_completions_st : Completions {
  using Completions::Completions;
  void (*take)(void*, OPENSSL_EVENT*) = nullptr;  // a handler's: nothing is queued
  void* argument = nullptr;
};

openssl_completions_t* openssl_newCompletions(void) {
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) {
    ERR_raise_data(ERR_LIB_SYS, errno, "eventfd");
    return nullptr;
  }
  auto* q = new (std::nothrow) openssl_completions_st(fd);
  if (!q) {
    close(fd);
    ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
  }
  return q;
}

openssl_completions_t* openssl_newCompletionHandler(void (*take)(void*, OPENSSL_EVENT*), void* arg) {
  auto* q = new (std::nothrow) openssl_completions_st(-1);
  if (!q) {
    ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
    return nullptr;
  }
  q->take = take;
  q->argument = arg;
  return q;
}

// The events go back on the caller's thread: it has their connections, or nobody does.
void openssl_freeCompletions(openssl_completions_t* q) {
  if (!q) return;
  while (Event* e = q->collect()) openssl_returnEvent(&e->pub);
  delete q;
}

int openssl_completionFd(const openssl_completions_t* q) { return q->fd(); }

void openssl_postCompletion(openssl_completions_t* q, OPENSSL_EVENT* e) {
  if (q->take)
    q->take(q->argument, e);
  else
    q->post(event_of(e));
}

OPENSSL_EVENT* openssl_collectCompletion(openssl_completions_t* q) {
  Event* e = q->collect();
  return e ? &e->pub : nullptr;
}
