#include "openssl_event/stack.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OPENSSL_EVENT_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define OPENSSL_EVENT_ASAN 1
#endif
#ifdef OPENSSL_EVENT_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace openssl_event {
namespace {

constexpr std::size_t kMappingSize = Stack::kPage + Stack::kSize;

// How far below the lowest page known to be written to others are looked for. The largest frame of OpenSSL 3.0 has 11 KiB; that
// of a callback may hold a buffer for a record.
constexpr std::size_t kLook = 5 * Stack::kPage;
constexpr unsigned kExactEvery = 64;

char* page_of(char* address) noexcept {
  return address - reinterpret_cast<std::uintptr_t>(address) % Stack::kPage;
}

bool is_zero(const char* page) noexcept { return *page == 0 && std::memcmp(page, page + 1, Stack::kPage - 1) == 0; }

}  // namespace

Stack::~Stack() {
  if (begin_) munmap(begin_ - kPage, kMappingSize);
}

bool Stack::map() noexcept {
  void* memory = mmap(nullptr, kMappingSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return false;
  begin_ = static_cast<char*>(memory) + kPage;
  lowest_ = top();
  return mprotect(memory, kPage, PROT_NONE) == 0;
}

char* Stack::looked_until() const noexcept {
  return static_cast<std::size_t>(lowest_ - begin_) > kLook ? lowest_ - kLook : begin_;
}

// A page that was never written to, or has been wiped, is zero, and to look at it costs no memory. So what lies below the
// lowest page known is found by looking: under some hypervisors, a system call takes longer than the wiping itself. The frames
// of calls follow each other without a gap, and each begins with an address to return to; this misses what is deeper only if
// kLook bytes of a single frame are zero.
void Stack::look_for_depth() noexcept {
  for (char* page = lowest_; page > looked_until();) {
    page -= kPage;
    if (!is_zero(page)) lowest_ = page;
  }
}

void Stack::wipe(char* end, bool exact) noexcept {
#ifdef OPENSSL_EVENT_ASAN
  __asan_unpoison_memory_region(begin_, static_cast<std::size_t>(end - begin_));  // the frames have been left
#endif
  lowest_ = std::min(lowest_, page_of(end));  // what is in use is not looked at
  look_for_depth();
  char* from = lowest_;
  // What was not looked at, also what was swapped out, the kernel takes unseen, but not from a program that has locked its
  // memory.
  if (exact || ++wipes_ % kExactEvery == 0) {
    if (madvise(begin_, static_cast<std::size_t>(looked_until() - begin_), MADV_DONTNEED) != 0) from = begin_;
  }
  // OPENSSL_cleanse writes eight bytes at a time and takes eight times as long for a page.
  explicit_bzero(from, static_cast<std::size_t>(end - from));
}

void Stack::give_back(char* end) noexcept {
  char* const last = page_of(end);
  if (madvise(begin_, static_cast<std::size_t>(last - begin_), MADV_DONTNEED) != 0) return wipe(end, true);
  lowest_ = last;
  explicit_bzero(last, static_cast<std::size_t>(end - last));
}

}  // namespace openssl_event
