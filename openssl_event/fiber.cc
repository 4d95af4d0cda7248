#include "openssl_event/fiber.h"

#include <openssl/err.h>
#include <sys/sysinfo.h>

#include <atomic>
#include <boost/context/fiber.hpp>
#include <cstddef>
#include <cstring>
#include <ctime>
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
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef OPENSSL_EVENT_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace openssl_event {
namespace {

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
    __sanitizer_start_switch_fiber(&fake_stack, stack, Stack::kSize);
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
// some are hot, which keep their memory: the others give it back to the kernel and keep their address space.
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

  void give_back(Fiber* fiber, bool secrets) noexcept {
    const bool hot = reserve_hot();
    if (hot && secrets) fiber->wipe(true);  // it may lie there long
    if (!hot) fiber->stack_.give_back(fiber->unused_end());
    std::lock_guard lock(mutex_);
    push(hot ? hot_ : cold_, fiber);
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

  bool reserve_hot() noexcept {
    std::lock_guard lock(mutex_);
    if (hot_count_ == kHot) return false;
    ++hot_count_;
    return true;
  }

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
    while (Fiber* fiber = FiberPool::pop(cache.first)) FiberPool::instance().give_back(fiber, true);
  }
};

OE_TAKES_THREAD_ADDRESS void begin_keeping(ThreadCache& cache) noexcept {
  constexpr unsigned kMost = 4;
  thread_local EndOfThread end;
  end.awaited = true;
  cache.begun = true;
  cache.room = kMost;
}

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

Fiber* Fiber::take() noexcept {
  ThreadCache& cache = thread_cache();
  if (cache.first) {
    ++cache.room;
    return FiberPool::pop(cache.first);
  }
  return FiberPool::instance().take();
}

void Fiber::give_back(bool secrets) noexcept {
  ThreadCache& cache = thread_cache();
  if (!cache.begun) begin_keeping(cache);
  if (cache.room == 0) return FiberPool::instance().give_back(this, secrets);
  // While a body is parked, for as long as others take, pages may be swapped out, if there is swap.
  if (secrets) wipe(parked_ && may_swap());
  --cache.room;
  FiberPool::push(cache.first, this);
}

void Fiber::set_limit(unsigned limit) noexcept { FiberPool::instance().set_limit(limit); }
unsigned Fiber::count() noexcept { return FiberPool::instance().count(); }

Fiber* Fiber::create() noexcept {
  Fiber* fiber = new (std::nothrow) Fiber;
  if (fiber && fiber->stack_.map() && (fiber->switch_ = new (std::nothrow) Switch)) {
    boost::context::stack_context context;
    context.sp = fiber->stack_.top();
    context.size = Stack::kSize;
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
  switch_->to_fiber(stack_.begin());
  return finished_ ? Outcome::finished : Outcome::parked;
}

void Fiber::park() noexcept {
  parked_ = true;
  switch_->to_caller();
}

// What waits for the next body, the frames of the loop and of the switch, stays. How large they are is the compiler's
// business; where they end Boost's fiber knows, which is that address and nothing else.
char* Fiber::unused_end() const noexcept {
  static_assert(sizeof(boost::context::fiber) == sizeof(char*));
  char* end;
  std::memcpy(&end, &switch_->fiber, sizeof end);
  return end;
}

void Fiber::wipe(bool exactly) noexcept { stack_.wipe(unused_end(), exactly); }

}  // namespace openssl_event

void openssl_setStackLimit(unsigned int limit) { openssl_event::Fiber::set_limit(limit); }
unsigned int openssl_stacks(void) { return openssl_event::Fiber::count(); }
