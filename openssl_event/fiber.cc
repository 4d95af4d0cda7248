#include "openssl_event/fiber.h"

#include <openssl/err.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <atomic>
#include <boost/context/fiber.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <iterator>
#include <mutex>
#include <new>

#include "openssl_event/openssl_event.h"
#include "openssl_event/thread_address.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OPENSSL_EVENT_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define OPENSSL_EVENT_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define OPENSSL_EVENT_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define OPENSSL_EVENT_TSAN 1
#endif
#ifdef OPENSSL_EVENT_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef OPENSSL_EVENT_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace openssl_event {
namespace {

constexpr std::size_t kPage = 4096;
// Address space; only what a step touches becomes memory (about five pages in a handshake).
constexpr std::size_t kStackSize = 64 * kPage;
constexpr std::size_t kMappingSize = kPage + kStackSize;

// The stack is ours, so Boost's fiber neither allocates nor frees one.
struct BorrowedStack {
  using traits_type = boost::context::stack_traits;
  boost::context::stack_context allocate() { return {}; }
  void deallocate(boost::context::stack_context&) noexcept {}
};

}  // namespace

// `fiber` and `caller` are the two ends between which the thread goes to and fro: exactly one of them is valid at a time.
struct Fiber::Switch {
  boost::context::fiber fiber;
  boost::context::fiber caller;
#ifdef OPENSSL_EVENT_ASAN
  void* fiber_fake_stack = nullptr;
  const void* caller_stack = nullptr;
  std::size_t caller_stack_size = 0;
#endif
#ifdef OPENSSL_EVENT_TSAN
  void* tsan_fiber = __tsan_create_fiber(0);
  void* tsan_caller = nullptr;
  ~Switch() { __tsan_destroy_fiber(tsan_fiber); }
#endif

  void to_fiber([[maybe_unused]] char* stack) noexcept {
#ifdef OPENSSL_EVENT_ASAN
    void* fake_stack = nullptr;
    __sanitizer_start_switch_fiber(&fake_stack, stack, kStackSize);
#endif
#ifdef OPENSSL_EVENT_TSAN
    tsan_caller = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(tsan_fiber, 0);
#endif
    fiber = std::move(fiber).resume();
#ifdef OPENSSL_EVENT_ASAN
    __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
  }

  void to_caller() noexcept {
#ifdef OPENSSL_EVENT_ASAN
    __sanitizer_start_switch_fiber(&fiber_fake_stack, caller_stack, caller_stack_size);
#endif
#ifdef OPENSSL_EVENT_TSAN
    __tsan_switch_to_fiber(tsan_caller, 0);
#endif
    caller = std::move(caller).resume();
    arrived_on_fiber();
  }

  void arrived_on_fiber() noexcept {
#ifdef OPENSSL_EVENT_ASAN
    __sanitizer_finish_switch_fiber(fiber_fake_stack, &caller_stack, &caller_stack_size);
#endif
  }
};

// The fibers that run no body. A thread keeps a few for itself; the rest is shared, under a mutex. Of the shared ones only
// some keep their memory: the others give it back to the kernel and keep their address space.
class FiberPool {
 public:
  static FiberPool& instance() noexcept {
    static FiberPool* pool = new (&memory_) FiberPool;  // never destroyed: threads may outlive static objects
    return *pool;
  }

  Fiber* take() noexcept {
    {
      std::lock_guard lock(mutex_);
      if (Fiber* fiber = pop(hot_)) {
        --hot_count_;
        return fiber;
      }
      if (Fiber* fiber = pop(cold_)) return fiber;
      if (count_.load(std::memory_order_relaxed) >= limit_) {
        ERR_raise_data(ERR_LIB_USER, ERR_R_OPERATION_FAIL, "openssl_setStackLimit: no stack left");
        return nullptr;
      }
      count_.fetch_add(1, std::memory_order_relaxed);
    }
    Fiber* fiber = Fiber::create();
    if (!fiber) count_.fetch_sub(1, std::memory_order_relaxed);
    return fiber;
  }

  void give_back(Fiber* fiber) noexcept {
    {
      std::lock_guard lock(mutex_);
      if (hot_count_ < kHot) {
        ++hot_count_;
        return push(hot_, fiber);
      }
    }
    fiber->give_memory_back(fiber->unused_end());
    std::lock_guard lock(mutex_);
    push(cold_, fiber);
  }

  void set_limit(unsigned limit) noexcept {
    std::lock_guard lock(mutex_);
    limit_ = limit;
  }

  unsigned count() const noexcept { return count_.load(std::memory_order_relaxed); }

  static Fiber* pop(Fiber*& list) noexcept {
    Fiber* fiber = list;
    if (fiber) list = fiber->next_;
    return fiber;
  }
  static void push(Fiber*& list, Fiber* fiber) noexcept {
    fiber->next_ = list;
    list = fiber;
  }

 private:
  static constexpr unsigned kHot = 64;
  static unsigned char memory_[];

  std::mutex mutex_;
  Fiber* hot_ = nullptr;
  Fiber* cold_ = nullptr;
  unsigned hot_count_ = 0;
  unsigned limit_ = 30000;
  std::atomic<unsigned> count_{0};
};

alignas(FiberPool) unsigned char FiberPool::memory_[sizeof(FiberPool)];

namespace {

// Without a destructor: other thread_locals' may come here after the thread's last words.
struct ThreadCache {
  Fiber* first;
  unsigned room;  // for how many more; none before the first, and when the thread is ending
  bool begun;
};

OE_TAKES_THREAD_ADDRESS ThreadCache& thread_cache() noexcept {
  thread_local constinit ThreadCache cache = {};
  return cache;
}

struct EndOfThread {
  bool awaited = false;
  ~EndOfThread() {
    ThreadCache& cache = thread_cache();
    cache.room = 0;
    while (Fiber* fiber = FiberPool::pop(cache.first)) FiberPool::instance().give_back(fiber);
  }
};

OE_TAKES_THREAD_ADDRESS void begin_keeping(ThreadCache& cache) noexcept {
  constexpr unsigned kMost = 4;
  thread_local EndOfThread end;
  end.awaited = true;
  cache.begun = true;
  cache.room = kMost;
}

}  // namespace

Fiber* Fiber::take() noexcept {
  ThreadCache& cache = thread_cache();
  if (cache.first) {
    ++cache.room;
    return FiberPool::pop(cache.first);
  }
  return FiberPool::instance().take();
}

void Fiber::give_back(bool secrets) noexcept {
  if (secrets) wipe();
  ThreadCache& cache = thread_cache();
  if (!cache.begun) begin_keeping(cache);
  if (cache.room > 0) {
    --cache.room;
    return FiberPool::push(cache.first, this);
  }
  FiberPool::instance().give_back(this);
}

void Fiber::set_limit(unsigned limit) noexcept { FiberPool::instance().set_limit(limit); }
unsigned Fiber::count() noexcept { return FiberPool::instance().count(); }

Fiber* Fiber::create() noexcept {
  Fiber* fiber = new (std::nothrow) Fiber;
  if (fiber && fiber->map_stack() && (fiber->switch_ = new (std::nothrow) Switch)) {
    char* stack = fiber->mapping_ + kPage;
    boost::context::stack_context context;
    context.sp = stack + kStackSize;
    context.size = kStackSize;
    const boost::context::preallocated place(context.sp, context.size, context);
    fiber->switch_->fiber = boost::context::fiber(std::allocator_arg, place, BorrowedStack{}, [fiber](auto&& caller) {
      fiber->switch_->caller = std::move(caller);
      fiber->switch_->arrived_on_fiber();
      fiber->loop();
      return std::move(fiber->switch_->caller);
    });
    return fiber;
  }
  ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
  delete fiber;
  return nullptr;
}

// Only of fibers whose creation failed: the others live in the pool.
Fiber::~Fiber() {
  if (mapping_) munmap(mapping_, kMappingSize);
}

bool Fiber::map_stack() noexcept {
  void* memory = mmap(nullptr, kMappingSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return false;
  mapping_ = static_cast<char*>(memory);
  return mprotect(mapping_, kPage, PROT_NONE) == 0;
}

void Fiber::loop() noexcept {
  for (;;) {
    body_(argument_);
    finished_ = true;
    switch_->to_caller();
  }
}

Fiber::Outcome Fiber::run(Body body, void* argument) noexcept {
  body_ = body;
  argument_ = argument;
  finished_ = parked_ = false;
  return enter();
}

Fiber::Outcome Fiber::resume() noexcept { return enter(); }

Fiber::Outcome Fiber::enter() noexcept {
  switch_->to_fiber(mapping_ + kPage);
  return finished_ ? Outcome::finished : Outcome::parked;
}

void Fiber::park() noexcept {
  parked_ = true;
  switch_->to_caller();
}

namespace {

bool system_has_swap() noexcept {
  struct sysinfo system;
  return sysinfo(&system) != 0 || system.totalswap > 0;
}

// Asking takes microseconds, and swap comes rarely: an answer serves for the rest of its second.
bool may_swap() noexcept {
  static std::atomic<std::time_t> asked_at{-1};
  static std::atomic<bool> has_swap{true};
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);  // no system call
  if (asked_at.exchange(now.tv_sec, std::memory_order_relaxed) != now.tv_sec)
    has_swap.store(system_has_swap(), std::memory_order_relaxed);
  return has_swap.load(std::memory_order_relaxed);
}

}  // namespace

// What waits for the next body, the frames of the loop and of the switch, stays. How large they are is the compiler's
// business; where they end Boost's fiber knows, which is that address and nothing else.
char* Fiber::unused_end() const noexcept {
  static_assert(sizeof(boost::context::fiber) == sizeof(char*));
  char* end;
  std::memcpy(&end, &switch_->fiber, sizeof end);
  return end;
}

// Asks the kernel how deep the stack has been, so that memory that was never touched is not touched now. Clears the rest by
// explicit_bzero: OPENSSL_cleanse writes eight bytes at a time and takes eight times as long for a page. While a body is
// parked, for as long as others take, pages may be swapped out, if there is swap: what is not there then is given back
// unseen.
void Fiber::wipe() noexcept {
  char* const stack = mapping_ + kPage;
  unsigned char there[kStackSize / kPage];
  if (mincore(stack, kStackSize, there) != 0) return give_memory_back(unused_end());
  const auto* const deepest = std::find_if(std::begin(there), std::end(there), [](unsigned char page) { return page & 1; });
  char* const begin = stack + static_cast<std::size_t>(deepest - there) * kPage;
  if (parked_ && may_swap()) give_memory_back(begin);
  if (begin >= unused_end()) return;
#ifdef OPENSSL_EVENT_ASAN
  __asan_unpoison_memory_region(begin, static_cast<std::size_t>(unused_end() - begin));
#endif
  explicit_bzero(begin, static_cast<std::size_t>(unused_end() - begin));
}

// From the stack's far end on. The kernel zeroes what it takes.
void Fiber::give_memory_back(char* end) noexcept {
  char* const stack = mapping_ + kPage;
  const auto last = reinterpret_cast<std::uintptr_t>(end) & ~(kPage - 1);
  madvise(stack, last - reinterpret_cast<std::uintptr_t>(stack), MADV_DONTNEED);
}

}  // namespace openssl_event

void openssl_setStackLimit(unsigned int limit) { openssl_event::Fiber::set_limit(limit); }
unsigned int openssl_stacks(void) { return openssl_event::Fiber::count(); }
