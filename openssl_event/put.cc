// What the application gives: new events, replies, and words about the end of the transport or of the output.
#include <openssl/err.h>

#include <utility>

#include "openssl_event/connection.h"

using namespace openssl_event;

namespace {

bool refuse(int reason, const char* why) noexcept {
  ERR_raise_data(ERR_LIB_USER, reason, "%s", why);
  return false;
}

}  // namespace

bool openssl_connection_st::refuse_owner(const Event* e, const char* function) noexcept {
  return misuse(function, e->owner ? "another connection made this event" : "the connection of this event has been freed");
}

bool openssl_connection_st::put(Event* e) noexcept {
  if (!held_by_application(e, "openssl_putEvent")) return false;
  if (made_by_application(kind_of(e))) return put_new(e);
  if (e->owner != this) return refuse_owner(e, "openssl_putEvent");
  if (trace_) trace(OPENSSL_TRACE_PUT, e);
  lent_.remove(e);
  e->holder = Holder::machine;
  take_back(e);
  return true;
}

// What the application made.
bool openssl_connection_st::put_new(Event* e) noexcept {
  const bool cleartext = e->pub.kind == OPENSSL_CLEARTEXT_IN_KIND;
  if (cleartext && close_requested_ && !failed_)
    return refuse(ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED, "CLEARTEXT_IN after openssl_closeOutput");
  if (e->pub.r.len < 0) return refuse(ERR_R_PASSED_INVALID_ARGUMENT, "event of a negative length");
  if (trace_) trace(OPENSSL_TRACE_PUT, e);
  e->holder = Holder::machine;
  if (cleartext)
    cleartext_in_.push_back(e);
  else
    input_.put(e);
  return true;
}

// An event that the machine made comes home.
void openssl_connection_st::take_back(Event* e) noexcept {
  switch (kind_of(e)) {
    case OPENSSL_RECORD_OUT_KIND:
      if (e->exempt)
        exempt_bytes_ -= static_cast<std::size_t>(e->pub.r.len);
      else
        --records_out_;
      return destroy_event(e);
    case OPENSSL_CLEARTEXT_OUT_KIND: {
      --cleartexts_out_;
      Event* record = std::exchange(e->source, nullptr);
      destroy_event(e, cleanses_);
      if (record) ready_.push_back(record);
      return;
    }
    case OPENSSL_ENGINE_CALL_IN_KIND:
    case OPENSSL_ENGINE_CALL_OUT_KIND:
    case OPENSSL_LOOKUP_IN_KIND:
    case OPENSSL_LOOKUP_OUT_KIND: return call_returned();  // the step that waits frees it
    default: return destroy_event(e);
  }
}

bool openssl_connection_st::close_output() noexcept {
  close_requested_ = true;
  return true;
}

// The bytes of a record cut short go to libssl, as they would from a socket.
bool openssl_connection_st::end_input() noexcept {
  if (input_.ended()) return true;
  if (framer_.has_rest()) {
    Event* rest = framer_.rest();
    if (!rest) return false;
    rest->holder = Holder::machine;
    rest->unseen = true;
    input_.put(rest);
  }
  input_.end();
  return true;
}

bool openssl_connection_st::put_marker(int marker) noexcept {
  Event* e = make_event(marker, 0);
  if (!e) return false;
  cleartext_in_.push_back(e);
  return true;
}

void openssl_connection_st::return_cleartext() noexcept {
  while (Event* e = cleartext_in_.pop_front()) {
    if (made_by_application(e->pub.kind))
      ready_.push_back(e);
    else
      destroy_event(e);
  }
  cleartext_offset_ = 0;
}
