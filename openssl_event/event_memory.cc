#include "openssl_event/event_memory.h"

#include <atomic>
#include <iterator>
#include <new>

#include "openssl_event/openssl_event.h"

namespace openssl_event {
namespace {

struct SizeClass {
  std::size_t size;
  unsigned most;  // kept by a thread
};

constexpr std::size_t kEvent = 512;  // an event without a buffer, or with a short one
constexpr SizeClass kClasses[] = {{kEvent, 64},
                                  {kEvent + 1536, 32},  // a record that fits a packet
                                  {kEvent + 4608, 32},
                                  {kEvent + OPENSSL_MAX_RECORD, 16},
                                  {kEvent + 2 * OPENSSL_MAX_RECORD, 4}};  // what a framer reads into
constexpr std::size_t kCount = std::size(kClasses);

struct Block {
  Block* next;
};

struct Kept {
  Block* first[kCount];
  unsigned count[kCount];
  bool closed;  // the thread is ending
};

// Its address is kept by nothing that could park.
Kept& kept() noexcept {
  thread_local constinit Kept kept_by_thread = {};
  return kept_by_thread;
}

struct Closing {
  bool armed = false;
  ~Closing() {
    Kept& all = kept();
    all.closed = true;
    for (Block*& first : all.first)
      while (Block* block = first) {
        first = block->next;
        ::operator delete(block);
      }
  }
};

void close_at_end_of_thread() noexcept {
  thread_local Closing closing;
  closing.armed = true;
}

#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__)
constexpr bool kKeeps = true;
#else
constexpr bool kKeeps = false;
#endif

std::atomic<bool> keeps{kKeeps};

std::uint8_t class_of(std::size_t size) noexcept {
  if (!keeps.load(std::memory_order_relaxed)) return kNoSizeClass;
  for (std::size_t i = 0; i < kCount; ++i)
    if (size <= kClasses[i].size) return static_cast<std::uint8_t>(i);
  return kNoSizeClass;
}

}  // namespace

void keep_event_memory(bool keep) noexcept { keeps.store(keep, std::memory_order_relaxed); }

void* take_event_memory(std::size_t size, std::uint8_t& size_class) noexcept {
  size_class = class_of(size);
  if (size_class == kNoSizeClass) return ::operator new(size, std::nothrow);
  Kept& all = kept();
  Block* block = all.first[size_class];
  if (!block) return ::operator new(kClasses[size_class].size, std::nothrow);
  all.first[size_class] = block->next;
  --all.count[size_class];
  return block;
}

void give_back_event_memory(void* memory, std::uint8_t size_class) noexcept {
  if (size_class == kNoSizeClass) return ::operator delete(memory);
  Kept& all = kept();
  if (all.closed || all.count[size_class] == kClasses[size_class].most) return ::operator delete(memory);
  if (all.count[size_class] == 0) close_at_end_of_thread();
  all.first[size_class] = new (memory) Block{all.first[size_class]};
  ++all.count[size_class];
}

}  // namespace openssl_event
