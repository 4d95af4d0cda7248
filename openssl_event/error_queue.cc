#include "openssl_event/error_queue.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "openssl_event/event.h"
#include "openssl_event/thread_address.h"

namespace openssl_event {
namespace {

std::size_t length_with_nul(const char* text) noexcept { return text ? std::strlen(text) + 1 : 0; }

// Copies `text` to `to` and moves `to` behind the copy.
const char* copy(const char* text, char*& to) noexcept {
  if (!text) return nullptr;
  const std::size_t size = length_with_nul(text);
  const char* start = static_cast<const char*>(std::memcpy(to, text, size));
  to += size;
  return start;
}

// Replaces the strings of `error`, which are somebody else's, by copies in one block, which it returns.
char* own_strings(OPENSSL_ERROR& error) noexcept {
  const std::size_t size = length_with_nul(error.file) + length_with_nul(error.function) + length_with_nul(error.data);
  char* block = static_cast<char*>(::operator new(size, std::nothrow));
  if (!block) {
    error.file = error.function = error.data = nullptr;
    return nullptr;
  }
  char* to = block;
  error.file = copy(error.file, to);
  error.function = copy(error.function, to);
  error.data = copy(error.data, to);
  return block;
}

// Whether an entry says no more than that what it called has failed.
bool passes_on(unsigned long code) noexcept {
#ifdef SSL_R_RECORD_LAYER_FAILURE  // since OpenSSL 3.2
  if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_RECORD_LAYER_FAILURE) return true;
#endif
  return ERR_COMMON_ERROR(code) && !ERR_FATAL_ERROR(code);
}

void take(Event* e, OPENSSL_ERROR& error) noexcept {
  ::operator delete(e->strings);
  e->strings = own_strings(error);
}

}  // namespace

OE_TAKES_THREAD_ADDRESS SavedErrors::SavedErrors() noexcept : errno_(errno) {
  Entry** last = &first_;
  OPENSSL_ERROR error = {};
  int flags = 0;
  while ((error.code = ERR_get_error_all(&error.file, &error.line, &error.function, &error.data, &flags)) != 0) {
    Entry* entry = new (std::nothrow) Entry{error, nullptr, nullptr};
    if (!entry) continue;  // one error fewer to show; the failure itself is known by return values
    entry->strings = own_strings(entry->error);
    *last = entry;
    last = &entry->next;
  }
}

SavedErrors::~SavedErrors() {
  while (first_) drop_first();
}

void SavedErrors::drop_first() noexcept {
  Entry* entry = first_;
  first_ = entry->next;
  ::operator delete(entry->strings);
  delete entry;
}

void SavedErrors::keep_newest() noexcept {
  const Entry* cause = first_;
  for (const Entry* entry = first_; entry; entry = entry->next)
    if (!passes_on(entry->error.code)) cause = entry;
  while (first_ != cause) drop_first();
}

OE_TAKES_THREAD_ADDRESS void SavedErrors::restore() noexcept {
  clear_errors();
  raise();
  errno = errno_;
}

void SavedErrors::raise() const noexcept {
  for (const Entry* entry = first_; entry; entry = entry->next) raise_error(entry->error);
}

void take_oldest_error(Event* e, OPENSSL_ERROR& error) noexcept {
  int flags = 0;
  error = {};
  error.code = ERR_peek_error_all(&error.file, &error.line, &error.function, &error.data, &flags);
  take(e, error);
}

void take_newest_error(Event* e, OPENSSL_ERROR& error) noexcept {
  int flags = 0;
  error = {};
  error.code = ERR_peek_last_error_all(&error.file, &error.line, &error.function, &error.data, &flags);
  take(e, error);
}

void raise_error(const OPENSSL_ERROR& error) noexcept {
  ERR_new();
  ERR_set_debug(error.file ? error.file : "", error.line, error.function ? error.function : "");
  const char* data = error.data && *error.data ? error.data : nullptr;
  if (data)
    ERR_set_error(ERR_GET_LIB(error.code), ERR_GET_REASON(error.code), "%s", data);
  else
    ERR_set_error(ERR_GET_LIB(error.code), ERR_GET_REASON(error.code), nullptr);
}

void clear_errors() noexcept {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

void keep_newest_error() noexcept {
  SavedErrors errors;
  errors.keep_newest();
  errors.raise();
}

}  // namespace openssl_event
