// OpenSSL's error queue belongs to a thread; a step may go on in another one. What is in the queue moves with it.
#ifndef OPENSSL_EVENT_ERROR_QUEUE_H
#define OPENSSL_EVENT_ERROR_QUEUE_H

#include "openssl_event/openssl_event.h"

namespace openssl_event {

struct Event;

// Takes the entries of this thread's queue, and errno, at construction; puts them into the queue of the thread that calls
// restore() or raise(). Marks (ERR_set_mark) are lost. Around what parks OpenSSL sets one from 3.2 on, in EVP_DigestSign
// and its like, and only counts to it, to know whether there is a reason.
class SavedErrors {
 public:
  SavedErrors() noexcept;
  ~SavedErrors();
  SavedErrors(const SavedErrors&) = delete;
  SavedErrors& operator=(const SavedErrors&) = delete;
  void restore() noexcept;
  // Adds the entries alone to those that are there.
  void raise() const noexcept;
  // See keep_newest_error().
  void keep_newest() noexcept;
  template <typename F>
  void for_each(F f) const noexcept {
    for (const Entry* entry = first_; entry; entry = entry->next) f(entry->error.code);
  }

 private:
  struct Entry {
    OPENSSL_ERROR error;
    char* strings;
    Entry* next;
  };
  void drop_first() noexcept;
  Entry* first_ = nullptr;
  int errno_;
};

// The oldest entry of the thread's queue (why it began) or the newest (what came of it) becomes `error`, with copies of
// its strings, which belong to e->strings. Leaves the queue as it is. Without memory the strings are NULL.
void take_oldest_error(Event* e, OPENSSL_ERROR& error) noexcept;
void take_newest_error(Event* e, OPENSSL_ERROR& error) noexcept;

// Puts such an error into the queue of this thread.
void raise_error(const OPENSSL_ERROR& error) noexcept;

// Before a libssl call whose result SSL_get_error is to tell: a stale entry would turn WANT_READ into SSL_ERROR_SSL.
void clear_errors() noexcept;

// After a failure that has begun with stale entries: what it left is the newest one, and the one before as long as that only
// passes on another library's (ERR_R_EVP_LIB).
void keep_newest_error() noexcept;

}  // namespace openssl_event

#endif
