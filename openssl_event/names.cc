// Names for every enum of the public header.
#include <cstdio>
#include <cstring>
#include <iterator>

#include "openssl_event/openssl_event.h"

const char* openssl_kindName(int kind) {
  switch (kind) {
    case OPENSSL_RECORD_IN_KIND: return "RECORD_IN";
    case OPENSSL_RECORD_OUT_KIND: return "RECORD_OUT";
    case OPENSSL_CLEARTEXT_IN_KIND: return "CLEARTEXT_IN";
    case OPENSSL_CLEARTEXT_OUT_KIND: return "CLEARTEXT_OUT";
    case OPENSSL_ENGINE_CALL_IN_KIND: return "ENGINE_CALL_IN";
    case OPENSSL_ENGINE_CALL_OUT_KIND: return "ENGINE_CALL_OUT";
    case OPENSSL_STATUS_OUT_KIND: return "STATUS_OUT";
    case OPENSSL_LOOKUP_IN_KIND: return "LOOKUP_IN";
    case OPENSSL_LOOKUP_OUT_KIND: return "LOOKUP_OUT";
  }
  return "UNKNOWN";
}

const char* openssl_operationName(int optype) {
  switch (optype) {
    case OPENSSL_OPERATION_SIGN: return "SIGN";
    case OPENSSL_OPERATION_DECRYPT: return "DECRYPT";
    case OPENSSL_OPERATION_KEYGEN: return "KEYGEN";
    case OPENSSL_OPERATION_DERIVE: return "DERIVE";
    case OPENSSL_OPERATION_VERIFY: return "VERIFY";
    case OPENSSL_OPERATION_ENCAPSULATE: return "ENCAPSULATE";
    case OPENSSL_OPERATION_DECAPSULATE: return "DECAPSULATE";
  }
  return "UNKNOWN";
}

const char* openssl_statusName(int status) {
  switch (status) {
    case OPENSSL_STATUS_HANDSHAKE_DONE: return "HANDSHAKE_DONE";
    case OPENSSL_STATUS_CLOSE_NOTIFY: return "CLOSE_NOTIFY";
    case OPENSSL_STATUS_OUTPUT_CLOSED: return "OUTPUT_CLOSED";
    case OPENSSL_STATUS_KEY_UPDATED: return "KEY_UPDATED";
    case OPENSSL_STATUS_ERROR: return "ERROR";
    case OPENSSL_STATUS_SESSION_NEW: return "SESSION_NEW";
  }
  return "UNKNOWN";
}

const char* openssl_reasonName(int reason) {
  switch (reason) {
    case OPENSSL_REASON_NONE: return "NONE";
    case OPENSSL_REASON_PROTOCOL: return "PROTOCOL";
    case OPENSSL_REASON_ALERT: return "ALERT";
    case OPENSSL_REASON_VERIFY: return "VERIFY";
    case OPENSSL_REASON_TRUNCATED: return "TRUNCATED";
    case OPENSSL_REASON_CALL_FAILED: return "CALL_FAILED";
    case OPENSSL_REASON_FLOOD: return "FLOOD";
    case OPENSSL_REASON_STACK_LIMIT: return "STACK_LIMIT";
    case OPENSSL_REASON_NO_MEMORY: return "NO_MEMORY";
    case OPENSSL_REASON_LOOKUP_FAILED: return "LOOKUP_FAILED";
  }
  return "UNKNOWN";
}

const char* openssl_lookupName(int question) {
  switch (question) {
    case OPENSSL_LOOKUP_CLIENT_HELLO: return "CLIENT_HELLO";
    case OPENSSL_LOOKUP_CERTIFICATE: return "CERTIFICATE";
    case OPENSSL_LOOKUP_ALPN: return "ALPN";
    case OPENSSL_LOOKUP_SESSION: return "SESSION";
    case OPENSSL_LOOKUP_TICKET_KEY: return "TICKET_KEY";
    case OPENSSL_LOOKUP_PSK: return "PSK";
    case OPENSSL_LOOKUP_STAPLE: return "STAPLE";
    case OPENSSL_LOOKUP_STAPLE_RECEIVED: return "STAPLE_RECEIVED";
    case OPENSSL_LOOKUP_VERIFY: return "VERIFY";
  }
  return "UNKNOWN";
}

const char* openssl_pathName(int path) {
  switch (path) {
    case OPENSSL_PATH_LIBSSL: return "LIBSSL";
    case OPENSSL_PATH_TRANSLATED: return "TRANSLATED";
    case OPENSSL_PATH_DIRECT: return "DIRECT";
  }
  return "UNKNOWN";
}

const char* openssl_pathReasonName(int reason) {
  switch (reason) {
    case OPENSSL_PATH_REASON_NONE: return "NONE";
    case OPENSSL_PATH_REASON_HANDSHAKE: return "HANDSHAKE";
    case OPENSSL_PATH_REASON_UNPREPARED: return "UNPREPARED";
    case OPENSSL_PATH_REASON_OFF: return "OFF";
    case OPENSSL_PATH_REASON_SUITE: return "SUITE";
    case OPENSSL_PATH_REASON_SECRETS: return "SECRETS";
    case OPENSSL_PATH_REASON_RENEGOTIATION: return "RENEGOTIATION";
    case OPENSSL_PATH_REASON_EARLY_DATA: return "EARLY_DATA";
    case OPENSSL_PATH_REASON_FRAGMENT: return "FRAGMENT";
    case OPENSSL_PATH_REASON_PADDING: return "PADDING";
    case OPENSSL_PATH_REASON_BUSY: return "BUSY";
  }
  return "UNKNOWN";
}

namespace {

struct Bit {
  unsigned value;
  const char* name;
};

constexpr Bit kWants[] = {{OPENSSL_WANTS_RECORD, "RECORD"}, {OPENSSL_WANTS_REPLY, "REPLY"},         {OPENSSL_WANTS_SENT, "SENT"},
                          {OPENSSL_WANTS_USED, "USED"},     {OPENSSL_WANTS_CLEARTEXT, "CLEARTEXT"}, {OPENSSL_WANTS_TURN, "TURN"}};
constexpr Bit kClosed[] = {{OPENSSL_CLOSED_IN, "IN"}, {OPENSSL_CLOSED_OUT, "OUT"}, {OPENSSL_CLOSED_ERROR, "ERROR"}};

template <std::size_t N>
const char* join(const Bit (&bits)[N], unsigned set, char* text, std::size_t size) noexcept {
  if (size == 0) return text;
  text[0] = '\0';
  for (const Bit& bit : bits) {
    if (!(set & bit.value)) continue;
    const std::size_t used = std::strlen(text);
    std::snprintf(text + used, size - used, "%s%s", used ? "|" : "", bit.name);
  }
  return text;
}

}  // namespace

const char* openssl_wantsNames(unsigned int wants, char* text, size_t size) { return join(kWants, wants, text, size); }
const char* openssl_closedNames(unsigned int closed, char* text, size_t size) { return join(kClosed, closed, text, size); }
