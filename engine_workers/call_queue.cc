#include "engine_workers/call_queue.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define OE_THREAD_SANITIZER 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define OE_THREAD_SANITIZER 1
#endif

#ifdef OE_THREAD_SANITIZER
extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}
#endif

namespace openssl_event {
namespace {

// Boost's queue reads a node that another thread may be filling anew, and throws away what it read when the tagged head
// has moved (boostorg/lockfree issue 78). ThreadSanitizer shall not look at those plain accesses; it still sees the
// queue's atomic ones, and so that what is pushed happens before it is popped.
class SpeculativeReads {
 public:
#ifdef OE_THREAD_SANITIZER
  SpeculativeReads() noexcept {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~SpeculativeReads() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
#else
  SpeculativeReads() noexcept {}
#endif
  SpeculativeReads(const SpeculativeReads&) = delete;
  SpeculativeReads& operator=(const SpeculativeReads&) = delete;
};

}  // namespace

CallQueue::CallQueue(std::size_t length) : length_(length), calls_(length) { sem_init(&available_, 0, 0); }

CallQueue::~CallQueue() { sem_destroy(&available_); }

bool CallQueue::reserve() noexcept {
  std::size_t size = size_.load(std::memory_order_relaxed);
  do {
    if (size == length_) return false;
    // Acquire: the node that a pop has freed is seen free.
  } while (!size_.compare_exchange_weak(size, size + 1, std::memory_order_acquire, std::memory_order_relaxed));
  return true;
}

void CallQueue::push(const QueuedCall& call) noexcept {
  {
    SpeculativeReads speculative;
    calls_.bounded_push(call);
  }
  sem_post(&available_);
}

bool CallQueue::pop(QueuedCall& call) noexcept {
  {
    SpeculativeReads speculative;
    if (!calls_.pop(call)) return false;
  }
  size_.fetch_sub(1, std::memory_order_release);
  return true;
}

std::size_t CallQueue::take(QueuedCall* calls, std::size_t max) noexcept {
  while (sem_wait(&available_) != 0) {
  }
  std::size_t taken = 0;
  while (pop(calls[taken]))
    if (++taken == max || sem_trywait(&available_) != 0) break;
  return taken;
}

}  // namespace openssl_event
