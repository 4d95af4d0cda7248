#include "compat/record_memory.h"

#include <openssl/err.h>

#include <new>
#include <utility>

#include "openssl_event/thread_address.h"

namespace openssl_event::compat {
namespace {

// Of one thread: for a record that it reads and one that it writes. Without a destructor: one of the program's, or an
// atexit handler, may come here after the thread's last words.
struct Spares {
  unsigned char* bytes[2];
  bool begun, ended;
};

OE_TAKES_THREAD_ADDRESS Spares& spares() noexcept {
  thread_local constinit Spares of_thread = {};
  return of_thread;
}

struct EndOfThread {
  bool awaited = false;
  ~EndOfThread() {
    Spares& of_thread = spares();
    of_thread.ended = true;
    for (unsigned char*& spare : of_thread.bytes) delete[] std::exchange(spare, nullptr);
  }
};

OE_TAKES_THREAD_ADDRESS void begin_keeping(Spares& of_thread) noexcept {
  thread_local EndOfThread end;
  end.awaited = true;
  of_thread.begun = true;
}

}  // namespace

bool RecordMemory::allocate() noexcept {
  for (unsigned char*& spare : spares().bytes)
    if (spare) {
      bytes_ = std::exchange(spare, nullptr);
      return true;
    }
  bytes_ = new (std::nothrow) unsigned char[kSize];
  if (!bytes_) ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return bytes_;
}

void RecordMemory::release() noexcept {
  Spares& of_thread = spares();
  if (!of_thread.begun) begin_keeping(of_thread);
  for (unsigned char*& spare : of_thread.bytes)
    if (!spare && !of_thread.ended) {
      spare = std::exchange(bytes_, nullptr);
      return;
    }
  delete[] std::exchange(bytes_, nullptr);
}

}  // namespace openssl_event::compat
