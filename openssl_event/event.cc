#include "openssl_event/event.h"

#include <openssl/err.h>

#include <atomic>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "openssl_event/thread_address.h"

namespace openssl_event {
namespace {

void free_memory(Event* e) noexcept {
  const std::uint8_t size_class = e->size_class;
  e->holder = {};
  e->~Event();
  give_back_event_memory(e, size_class);
}

#ifdef NDEBUG
void retire(Event* e) noexcept { free_memory(e); }
#else
// A second put of an event that the first one freed would read freed memory. So the last few stay, with no holder.
struct Retired {
  static constexpr unsigned kKept = 16;
  Event* events[kKept];
  unsigned next;
  bool begun, ended;
};

// Without a destructor: other thread_locals' may come here after the thread's last words.
thread_local constinit Retired retired = {};

struct EndOfThread {
  bool awaited = false;
  ~EndOfThread() {
    retired.ended = true;
    for (Event*& e : retired.events)
      if (e) free_memory(std::exchange(e, nullptr));
  }
};

OE_TAKES_THREAD_ADDRESS void retire(Event* e) noexcept {
  if (retired.ended) return free_memory(e);
  if (!std::exchange(retired.begun, true)) {
    thread_local EndOfThread end;
    end.awaited = true;
  }
  e->holder = Holder::nobody;
  Event*& place = retired.events[retired.next++ % Retired::kKept];
  if (place) free_memory(place);
  place = e;
}
#endif

Event* new_application_event(int kind, const void* buf, std::size_t len) noexcept {
  if (len > INT_MAX) {
    ERR_raise_data(ERR_LIB_USER, ERR_R_PASSED_INVALID_ARGUMENT, "event longer than INT_MAX bytes");
    return nullptr;
  }
  Event* e = make_event(kind, len);
  if (!e) return nullptr;
  e->holder = Holder::application;
  e->pub.r.buf = inline_buffer(e);
  e->pub.r.len = static_cast<int>(len);
  if (buf && len) copy_bytes(e->pub.r.buf, static_cast<const char*>(buf), len);
  return e;
}

OPENSSL_EVENT* wrap(int kind, void* buf, std::size_t len, void (*release)(void*), void* arg) noexcept {
  if (len > INT_MAX) {
    ERR_raise_data(ERR_LIB_USER, ERR_R_PASSED_INVALID_ARGUMENT, "event longer than INT_MAX bytes");
    return nullptr;
  }
  Event* e = make_event(kind, 0);
  if (!e) return nullptr;
  e->holder = Holder::application;
  e->pub.r.buf = static_cast<char*>(buf);
  e->pub.r.len = static_cast<int>(len);
  e->release = release;
  e->release_argument = arg;
  return &e->pub;
}

OPENSSL_EVENT* public_or_null(Event* e) noexcept { return e ? &e->pub : nullptr; }

bool carries_bytes(int kind) noexcept { return kind >= OPENSSL_RECORD_IN_KIND && kind <= OPENSSL_CLEARTEXT_OUT_KIND; }

unsigned size_of_kind(int kind) noexcept {
  switch (kind) {
    case OPENSSL_ENGINE_CALL_IN_KIND:
    case OPENSSL_ENGINE_CALL_OUT_KIND: return sizeof(OPENSSL_ENGINE_CALL);
    case OPENSSL_STATUS_OUT_KIND: return sizeof(OPENSSL_STATUS);
    case OPENSSL_LOOKUP_IN_KIND:
    case OPENSSL_LOOKUP_OUT_KIND: return sizeof(OPENSSL_LOOKUP);
  }
  return 0;
}

}  // namespace

static_assert(offsetof(OPENSSL_RECORD, buf) == offsetof(OPENSSL_CLEARTEXT, buf));
static_assert(offsetof(OPENSSL_RECORD, len) == offsetof(OPENSSL_CLEARTEXT, len));
static_assert(sizeof(OPENSSL_RECORD) == sizeof(OPENSSL_CLEARTEXT));

Event* make_event(int kind, std::size_t buffer) noexcept {
  const std::size_t size = sizeof(Event) + (buffer ? kCacheLine - 1 + buffer : 0);
  const std::uint8_t size_class = event_memory_class(size);
  void* memory = take_event_memory(size, size_class);
  if (!memory) {
    ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
    return nullptr;
  }
  Event* e = new (memory) Event;
  e->size_class = size_class;
  if (carries_bytes(kind)) {
    e->pub.r = {kind, sizeof(OPENSSL_RECORD), 0, nullptr, 0, nullptr};
    return e;
  }
  std::memset(&e->pub, 0, sizeof e->pub);
  e->pub.kind = kind;
  e->pub.r.size = size_of_kind(kind);
  return e;
}

void destroy_event(Event* e, bool cleanse) noexcept {
  if (!e) return;
  if (carries_bytes(e->pub.kind)) {
    if (cleanse && e->pub.r.len > 0) OPENSSL_cleanse(e->pub.r.buf, static_cast<std::size_t>(e->pub.r.len));
    if (Event* source = std::exchange(e->source, nullptr)) destroy_event(source);
  } else {
    if (Operation* operation = std::exchange(e->operation, nullptr)) {
      operation->discard(e->pub.e);
      operation->unref();
    }
    ::operator delete(std::exchange(e->strings, nullptr));
    ::operator delete(std::exchange(e->text, nullptr));
  }
  if (auto* release = std::exchange(e->release, nullptr)) release(e->release_argument);
  retire(e);
}

void flip_to_reply(Event* e) noexcept {
  const int reply = e->pub.kind == OPENSSL_LOOKUP_OUT_KIND ? OPENSSL_LOOKUP_IN_KIND : OPENSSL_ENGINE_CALL_IN_KIND;
  std::atomic_ref<int>(e->pub.kind).store(reply, std::memory_order_release);
}

bool misuse(const char* function, const char* what) noexcept {
#ifdef NDEBUG
  ERR_raise_data(ERR_LIB_USER, ERR_R_PASSED_INVALID_ARGUMENT, "%s: %s", function, what);
#else
  std::fprintf(stderr, "openssl_event: %s: %s\n", function, what);
  std::abort();
#endif
  return false;
}

bool report_holder(const Event* e, const char* function) noexcept {
  switch (e->holder) {
    case Holder::application: return true;
    case Holder::machine: return misuse(function, "the machine holds this event: it was put, and has not come back");
    case Holder::nobody: return misuse(function, "this event has already been given back");
  }
  return misuse(function, "not an event of this library, or one that has been freed");
}

}  // namespace openssl_event

using namespace openssl_event;

OPENSSL_EVENT* openssl_newCleartextInEvent(const void* buf, size_t len) {
  return public_or_null(new_application_event(OPENSSL_CLEARTEXT_IN_KIND, buf, len));
}

OPENSSL_EVENT* openssl_newRecordInEvent(const void* buf, size_t len) {
  return public_or_null(new_application_event(OPENSSL_RECORD_IN_KIND, buf, len));
}

OPENSSL_EVENT* openssl_wrapCleartextInEvent(void* buf, size_t len, void (*release)(void*), void* arg) {
  return wrap(OPENSSL_CLEARTEXT_IN_KIND, buf, len, release, arg);
}

OPENSSL_EVENT* openssl_wrapRecordInEvent(void* buf, size_t len, void (*release)(void*), void* arg) {
  return wrap(OPENSSL_RECORD_IN_KIND, buf, len, release, arg);
}

int openssl_freeEvent(OPENSSL_EVENT* e) {
  if (!e) return 1;
  Event* event = event_of(e);
  if (!held_by_application(event, "openssl_freeEvent")) return 0;
  if (!made_by_application(kind_of(event)))
    return misuse("openssl_freeEvent", "the machine made this event: give it back by openssl_putEvent");
  destroy_event(event);
  return 1;
}

int openssl_isCancelled(const OPENSSL_EVENT* e) { return event_of(e)->cancelled.load(std::memory_order_acquire); }

openssl_t* openssl_owner(const OPENSSL_EVENT* e) {
  const Event* event = event_of(e);
  return made_by_application(kind_of(event)) ? nullptr : event->owner;
}
