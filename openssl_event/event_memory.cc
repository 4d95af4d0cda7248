#include "openssl_event/event_memory.h"

#include <atomic>
#include <iterator>
#include <new>
#include <utility>

#include "openssl_event/openssl_event.h"
#include "openssl_event/thread_address.h"

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
  unsigned room[kCount];  // for how many more; none before the first, and when the thread is ending
  bool begun;
};

Kept& kept() noexcept {
  thread_local constinit Kept kept_by_thread = {};
  return kept_by_thread;
}

struct EndOfThread {
  bool awaited = false;
  ~EndOfThread() {
    Kept& all = kept();
    for (unsigned& room : all.room) room = 0;
    for (Block*& first : all.first)
      while (first) ::operator delete(std::exchange(first, first->next));
  }
};

// Where there is no room: the first time in a thread, or when enough is kept, or when the thread is ending.
[[gnu::noinline]] void give_back_to(Kept& all, void* memory, std::uint8_t size_class) noexcept {
  if (all.begun) return ::operator delete(memory);
  all.begun = true;
  for (std::size_t i = 0; i < kCount; ++i) all.room[i] = kClasses[i].most;
  thread_local EndOfThread end;
  end.awaited = true;
  --all.room[size_class];
  all.first[size_class] = new (memory) Block{nullptr};
}

#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__)
constexpr bool kKeeps = true;
#else
constexpr bool kKeeps = false;
#endif

std::atomic<bool> keeps{kKeeps};

}  // namespace

void keep_event_memory(bool keep) noexcept { keeps.store(keep, std::memory_order_relaxed); }

std::uint8_t event_memory_class(std::size_t size) noexcept {
  if (!keeps.load(std::memory_order_relaxed)) return kNoSizeClass;
  for (std::size_t i = 0; i < kCount; ++i)
    if (size <= kClasses[i].size) return static_cast<std::uint8_t>(i);
  return kNoSizeClass;
}

OE_TAKES_THREAD_ADDRESS void* take_event_memory(std::size_t size, std::uint8_t size_class) noexcept {
  if (size_class == kNoSizeClass) return ::operator new(size, std::nothrow);
  Kept& all = kept();
  Block* block = all.first[size_class];
  if (!block) return ::operator new(kClasses[size_class].size, std::nothrow);
  all.first[size_class] = block->next;
  ++all.room[size_class];
  return block;
}

OE_TAKES_THREAD_ADDRESS void give_back_event_memory(void* memory, std::uint8_t size_class) noexcept {
  if (size_class == kNoSizeClass) return ::operator delete(memory);
  Kept& all = kept();
  if (all.room[size_class] == 0) return give_back_to(all, memory, size_class);
  --all.room[size_class];
  all.first[size_class] = new (memory) Block{all.first[size_class]};
}

}  // namespace openssl_event
