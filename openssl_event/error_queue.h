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
  Entry* first_ = nullptr;
  int errno_;
};

// The oldest entry of the thread's queue (why it began) or the newest (what came of it) becomes `error`, with copies of
// its strings, which belong to e->strings. Leaves the queue as it is. Without memory the strings are NULL.
void take_oldest_error(Event* e, OPENSSL_ERROR& error) noexcept;
void take_newest_error(Event* e, OPENSSL_ERROR& error) noexcept;

// Puts such an error into the queue of this thread.
void raise_error(const OPENSSL_ERROR& error) noexcept;

// For each libssl call: a stale entry would turn WANT_READ into SSL_ERROR_SSL.
void clear_errors() noexcept;

}  // namespace openssl_event

#endif
