// The whole of an event: what the public header shows, and in front of it what the library keeps to itself.
#ifndef OPENSSL_EVENT_EVENT_H
#define OPENSSL_EVENT_EVENT_H

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "openssl_event/event_memory.h"
#include "openssl_event/openssl_event.h"
#include "openssl_event/operation.h"

namespace openssl_event {

// Who holds an event. Memory that is none, or no longer, has none of these values.
enum class Holder : std::uint32_t { application = 0x4f45564e, machine, nobody };

struct Event;

// A place in the ring of what a machine has lent.
struct LentLink {
  LentLink* next;
  LentLink* previous;
};

// One allocation: this struct, then, for RECORD and CLEARTEXT, the buffer (unless it is foreign memory), on a line of the
// cache's (see copy_bytes).
struct Event {
  Holder holder = Holder::machine;
  bool exempt = false;     // RECORD_OUT: outside the window (handshake, alert, KeyUpdate, close_notify)
  bool unseen = false;     // RECORD_IN: made of the rest of a cut record; the application never had it
  bool declined = false;   // ENGINE_CALL: the machine shall execute it
  bool succeeded = false;  // ENGINE_CALL: executed, with a result
  std::uint8_t size_class = kNoSizeClass;  // of its memory
  std::atomic<bool> cancelled = false;
  openssl_t* owner = nullptr;        // the connection that made it; nullptr for the application's events
  Event* next;                       // of the queue that it is in
  LentLink lent;                     // of what its machine has lent, while the application holds it
  Event* completion_next = nullptr;  // a completion queue; nullptr at rest
  void (*release)(void*) = nullptr;  // RECORD_IN, CLEARTEXT_IN: ends the foreign memory; LOOKUP, STATUS: what it holds
  void* release_argument = nullptr;
  Operation* operation = nullptr;    // ENGINE_CALL: a reference
  char* strings = nullptr;           // what an OPENSSL_ERROR of pub points to
  char* text = nullptr;              // STATUS: what pub.s.text points to, if it is not a constant
  Event* source = nullptr;  // CLEARTEXT_OUT: the RECORD_IN that it points into; goes home when this comes back
  OPENSSL_EVENT pub;        // zero when made, as far as its kind goes
};

inline Event* event_of(OPENSSL_EVENT* e) noexcept {
  return reinterpret_cast<Event*>(reinterpret_cast<char*>(e) - offsetof(Event, pub));
}
inline const Event* event_of(const OPENSSL_EVENT* e) noexcept {
  return reinterpret_cast<const Event*>(reinterpret_cast<const char*>(e) - offsetof(Event, pub));
}

// An event with room for `buffer` bytes behind it; nullptr, with an entry in the error queue, without memory.
Event* make_event(int kind, std::size_t buffer) noexcept;
// Frees the event and what it owns. With `cleanse`, its buffer is wiped first.
void destroy_event(Event* e, bool cleanse = false) noexcept;

inline char* inline_buffer(Event* e) noexcept { return begin_of_line(reinterpret_cast<char*>(e + 1)); }

// `kind` may be read while another thread flips it.
inline int kind_of(const Event* e) noexcept {
  return std::atomic_ref<int>(const_cast<int&>(e->pub.kind)).load(std::memory_order_acquire);
}
void flip_to_reply(Event* e) noexcept;

inline bool made_by_application(int kind) noexcept {
  return kind == OPENSSL_RECORD_IN_KIND || kind == OPENSSL_CLEARTEXT_IN_KIND;
}

// Leaves a machine's event to whoever holds it, and who ends it by openssl_returnEvent.
inline void orphan(Event* e) noexcept {
  e->owner = nullptr;
  e->cancelled.store(true, std::memory_order_release);
}

// The handling of misuse: abort with a message, or, with NDEBUG, an entry in the error queue. Returns false.
bool misuse(const char* function, const char* what) noexcept;
// True if `e` is an event that the application holds; else reports misuse.
bool report_holder(const Event* e, const char* function) noexcept;
inline bool held_by_application(const Event* e, const char* function) noexcept {
  return e->holder == Holder::application || report_holder(e, function);
}

// A first-in first-out list through `next`. Owned and used by the connection's thread.
class EventList {
 public:
  bool empty() const noexcept { return first_ == nullptr; }
  Event* front() const noexcept { return first_; }

  void push_back(Event* e) noexcept {
    e->next = nullptr;
    (first_ ? last_->next : first_) = e;
    last_ = e;
  }
  Event* pop_front() noexcept {
    Event* e = first_;
    if (e) first_ = e->next;
    return e;
  }

 private:
  Event* first_ = nullptr;
  Event* last_;  // if there is a first
};

// The machine's events that the application holds, through `lent`. Each can leave at any time.
class LentEvents {
 public:
  LentEvents() = default;
  LentEvents(const LentEvents&) = delete;
  LentEvents& operator=(const LentEvents&) = delete;

  void add(Event* e) noexcept {
    e->lent = {&ring_, ring_.previous};
    ring_.previous->next = &e->lent;
    ring_.previous = &e->lent;
  }
  void remove(Event* e) noexcept {
    e->lent.previous->next = e->lent.next;
    e->lent.next->previous = e->lent.previous;
  }
  // nullptr: there are none.
  Event* take_first() noexcept {
    if (ring_.next == &ring_) return nullptr;
    Event* e = reinterpret_cast<Event*>(reinterpret_cast<char*>(ring_.next) - offsetof(Event, lent));
    remove(e);
    return e;
  }

 private:
  LentLink ring_{&ring_, &ring_};
};

}  // namespace openssl_event

#endif
