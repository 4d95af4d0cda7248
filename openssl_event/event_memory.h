// Memory of events, and of what a framer reads into. A connection makes and ends events at the speed of its records, and a
// RECORD_OUT is large: what an event leaves, its thread keeps for the next ones, some of each size.
#ifndef OPENSSL_EVENT_EVENT_MEMORY_H
#define OPENSSL_EVENT_EVENT_MEMORY_H

#include <cstddef>
#include <cstdint>

namespace openssl_event {

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
