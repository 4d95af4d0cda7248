// Memory of events, and of what a framer reads into. A connection makes and ends events at the speed of its records, and a
// RECORD_OUT is large: what an event leaves, its thread keeps for the next ones, some of each size.
#ifndef OPENSSL_EVENT_EVENT_MEMORY_H
#define OPENSSL_EVENT_EVENT_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace openssl_event {

// ---- Where buffers lie ----

// Copying a full record takes up to 1.6 times as long to an address that is not the beginning of a line of the cache (`rep
// movsb`, which memcpy uses for more than some KiB). So buffers begin with a line, and what cannot choose gets there first.
constexpr std::size_t kCacheLine = 64;

// The first byte from `bytes` on that a line begins with.
inline char* begin_of_line(char* bytes) noexcept {
  const std::uintptr_t past = reinterpret_cast<std::uintptr_t>(bytes) % kCacheLine;
  return past ? bytes + (kCacheLine - past) : bytes;
}

// memcpy, of what may be as long as a record.
inline void copy_bytes(char* to, const char* from, std::size_t len) noexcept {
  constexpr std::size_t kLong = 2048;
  if (len >= kLong) {
    const auto before = static_cast<std::size_t>(begin_of_line(to) - to);
    std::memcpy(to, from, kCacheLine);  // of a size that the compiler knows
    to += before;
    from += before;
    len -= before;
  }
  std::memcpy(to, from, len);
}

// ---- Memory ----

constexpr std::uint8_t kNoSizeClass = 0xff;

// The class of memory of `size` bytes; it belongs to the memory and goes back with it.
std::uint8_t event_memory_class(std::size_t size) noexcept;
// At least `size` bytes, whose class this is; nullptr without memory. It goes back in any thread.
void* take_event_memory(std::size_t size, std::uint8_t size_class) noexcept;
void give_back_event_memory(void* memory, std::uint8_t size_class) noexcept;

// In builds with the ownership checks, and under AddressSanitizer, nothing is kept, so that each use after the end is
// seen and each allocation can be made to fail; until this says otherwise. For tests.
void keep_event_memory(bool keep) noexcept;

}  // namespace openssl_event

#endif
