// The first error sticks: what it was, and what becomes of everything that was still to be done.
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <cstdio>
#include <cstring>
#include <new>

#include "openssl_event/connection.h"
#include "openssl_event/error_queue.h"

using namespace openssl_event;

namespace {

// SSL_AD_REASON_OFFSET: libssl's reason for an alert that the peer sent is 1000 + AlertDescription.
bool is_received_alert(unsigned long code) noexcept {
  return ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET;
}

int reason_of(unsigned long code) noexcept {
  if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE) return OPENSSL_REASON_NO_MEMORY;
  if (is_received_alert(code)) return OPENSSL_REASON_ALERT;
  if (ERR_GET_LIB(code) != ERR_LIB_SSL) return OPENSSL_REASON_NONE;
  switch (ERR_GET_REASON(code)) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED: return OPENSSL_REASON_VERIFY;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING: return OPENSSL_REASON_TRUNCATED;
    default: return OPENSSL_REASON_NONE;
  }
}

const char* words_of(int reason) noexcept {
  switch (reason) {
    case OPENSSL_REASON_PROTOCOL: return "the handshake or a record was not acceptable";
    case OPENSSL_REASON_ALERT: return "the peer sent a fatal alert";
    case OPENSSL_REASON_VERIFY: return "the peer's certificate was not accepted";
    case OPENSSL_REASON_TRUNCATED: return "the transport ended without close_notify";
    case OPENSSL_REASON_CALL_FAILED: return "an engine call failed";
    case OPENSSL_REASON_FLOOD: return "the peer provokes answers faster than it reads them";
    case OPENSSL_REASON_STACK_LIMIT: return "no stack is left for another step that waits";
    case OPENSSL_REASON_NO_MEMORY: return "out of memory";
    case OPENSSL_REASON_LOOKUP_FAILED: return "a lookup failed";
    default: return "";
  }
}

void append(char* text, std::size_t size, const char* format, const char* value) noexcept {
  const std::size_t used = std::strlen(text);
  if (value && *value) std::snprintf(text + used, size - used, format, value);
}

// "the peer's certificate was not accepted: certificate verify failed; sent alert unknown CA"
void describe_failure(OPENSSL_STATUS& status, char* text, std::size_t size) noexcept {
  text[0] = '\0';
  append(text, size, "%s", words_of(status.reason));
  append(text, size, ": %s", status.error.code ? ERR_reason_error_string(status.error.code) : nullptr);
  append(text, size, " (%s)", status.error.data);
  if (status.alert_sent >= 0) append(text, size, "; sent alert %s", SSL_alert_desc_string_long(status.alert_sent));
  if (status.alert_received >= 0)
    append(text, size, "; received alert %s", SSL_alert_desc_string_long(status.alert_received));
}

constexpr std::size_t kTextSize = 320;

// One block for the copies of the error's strings is there already; the line of text gets a block that holds both.
void add_text(Event* e) noexcept {
  OPENSSL_STATUS& status = e->pub.s;
  status.text = words_of(status.reason);
  char text[kTextSize];
  describe_failure(status, text, sizeof text);
  const std::size_t size = std::strlen(text) + 1;
  if (char* copy = static_cast<char*>(::operator new(size, std::nothrow))) {
    std::memcpy(copy, text, size);
    e->text = copy;
    status.text = copy;
  }
}

}  // namespace

// The most telling entry of the error queue; PROTOCOL if none tells more. An alert that ends the connection is known by it
// even if its level says "warning" (RFC 8446 6).
int openssl_connection_st::reason_of_errors() noexcept {
  int reason = OPENSSL_REASON_NONE;
  SavedErrors errors;
  errors.for_each([&](unsigned long code) {
    if (reason == OPENSSL_REASON_NONE) reason = reason_of(code);
    if (is_received_alert(code)) alert_received_ = ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET;
  });
  errors.restore();
  return reason ? reason : static_cast<int>(OPENSSL_REASON_PROTOCOL);
}

void openssl_connection_st::fail_from_errors() noexcept {
  if (lookup_failed_) return fail(OPENSSL_REASON_LOOKUP_FAILED);
  if (call_failed()) return fail(OPENSSL_REASON_CALL_FAILED);
  drop_stale_errors();
  if (ERR_peek_error() == 0 && input_.at_end()) return fail(OPENSSL_REASON_TRUNCATED);
  fail(reason_of_errors());
}

void openssl_connection_st::fail_without_stack() noexcept {
  const bool no_memory = ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
  fail(no_memory ? OPENSSL_REASON_NO_MEMORY : OPENSSL_REASON_STACK_LIMIT);
}

// In the middle of a handshake: nothing can follow it.
void openssl_connection_st::fail_by_close_notify() noexcept {
  alert_received_ = SSL_AD_CLOSE_NOTIFY;
  fail(OPENSSL_REASON_PROTOCOL);
}

void openssl_connection_st::begin_with_no_errors() noexcept {
  clear_errors();
  errors_are_mixed_ = false;
}

void openssl_connection_st::drop_stale_errors() noexcept {
  if (std::exchange(errors_are_mixed_, false)) keep_newest_error();
}

void openssl_connection_st::fail(int reason) noexcept {
  if (failed_) return;
  failed_ = true;
  if (reason == OPENSSL_REASON_FLOOD) clear_errors();  // it is no function's
  drop_stale_errors();
  Event* e = error_event_;
  error_event_ = nullptr;
  e->pub.s.status = OPENSSL_STATUS_ERROR;
  e->pub.s.reason = reason;
  e->pub.s.alert_sent = alert_sent_;
  e->pub.s.alert_received = alert_received_;
  take_oldest_error(e, e->pub.s.error);
  add_text(e);
  clear_errors();
  emit(e);
}

// True if there was anything to give back.
bool openssl_connection_st::return_unused() noexcept {
  input_.return_all();
  return_cleartext();
  return !ready_.empty();
}
