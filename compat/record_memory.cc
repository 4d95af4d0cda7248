#include "compat/record_memory.h"

#include <openssl/err.h>

#include <cstdlib>
#include <utility>

namespace openssl_event::compat {
namespace {

// Of one thread: for a record that it reads and one that it writes. A destructor of the program's may call us after
// ours.
struct Spares {
  unsigned char* bytes[2] = {};
  bool ended = false;

  ~Spares() {
    for (unsigned char*& spare : bytes) std::free(std::exchange(spare, nullptr));
    ended = true;
  }
};

thread_local Spares spares;

}  // namespace

bool RecordMemory::allocate() noexcept {
  Spares& of_thread = spares;
  for (unsigned char*& spare : of_thread.bytes)
    if (spare) {
      bytes_ = std::exchange(spare, nullptr);
      return true;
    }
  bytes_ = static_cast<unsigned char*>(std::malloc(kSize));
  if (!bytes_) ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return bytes_;
}

void RecordMemory::release() noexcept {
  Spares& of_thread = spares;
  for (unsigned char*& spare : of_thread.bytes)
    if (!spare && !of_thread.ended) {
      spare = std::exchange(bytes_, nullptr);
      return;
    }
  std::free(std::exchange(bytes_, nullptr));
}

}  // namespace openssl_event::compat
