// Events in words: kinds, lengths and algorithms, never contents.
#include <openssl/rsa.h>

#include <cstdio>

#include "openssl_event/event.h"
#include "openssl_event/lookup.h"

using namespace openssl_event;

namespace {

// ContentType, RFC 8446 5.1. An encrypted record of TLS 1.3 calls itself application_data.
const char* content_type(const OPENSSL_RECORD& record) noexcept {
  if (record.len < OPENSSL_RECORD_HEADER_SIZE) return "fragment";
  switch (record.buf[0]) {
    case 20: return "change_cipher_spec";
    case 21: return "alert";
    case 22: return "handshake";
    case 23: return "application_data";
    default: return "no TLS";
  }
}

const char* padding_name(int padding) noexcept {
  switch (padding) {
    case RSA_PKCS1_PADDING: return " pkcs1";
    case RSA_PKCS1_PSS_PADDING: return " pss";
    default: return "";
  }
}

// "RSA-2048 pss SHA256, 130 bytes", of a signature made or verified
template <typename Operands>
void describe_signature(const Operands& operands, char* text, std::size_t size) noexcept {
  const char* type = EVP_PKEY_get0_type_name(operands.key);
  std::snprintf(text, size, "%s-%d%s%s%s, %zu bytes", type ? type : "key", EVP_PKEY_get_bits(operands.key),
                padding_name(operands.padding), operands.digest ? " " : "", operands.digest ? operands.digest : "",
                operands.tbs_len);
}

// "EC P-256"
void describe_share(const char* type, const char* group, char* text, std::size_t size) noexcept {
  std::snprintf(text, size, "%s%s%s", type, group ? " " : "", group ? group : "");
}

void describe_operands(const OPENSSL_ENGINE_CALL& call, char* text, std::size_t size) noexcept {
  switch (call.optype) {
    case OPENSSL_OPERATION_SIGN: return describe_signature(call.u.s, text, size);
    case OPENSSL_OPERATION_VERIFY: return describe_signature(call.u.v, text, size);
    case OPENSSL_OPERATION_KEYGEN: return describe_share(call.u.k.type, call.u.k.group, text, size);
    case OPENSSL_OPERATION_DERIVE: return describe_share(call.u.x.type, call.u.x.group, text, size);
    case OPENSSL_OPERATION_DECRYPT:
      std::snprintf(text, size, "RSA-%d, %zu bytes", EVP_PKEY_get_bits(call.u.d.key), call.u.d.ciphertext_len);
  }
}

void describe_call(const OPENSSL_ENGINE_CALL& call, int kind, char* text, std::size_t size) noexcept {
  char operands[128] = "";
  describe_operands(call, operands, sizeof operands);
  const Event* e = event_of(reinterpret_cast<const OPENSSL_EVENT*>(&call));
  const char* outcome = kind == OPENSSL_ENGINE_CALL_OUT_KIND ? ""
                        : e->succeeded                         ? ", done"
                        : e->declined                          ? ", declined"
                                                               : ", failed";
  std::snprintf(text, size, "%s %s (%s)%s", openssl_kindName(kind), openssl_operationName(call.optype), operands, outcome);
}

void describe_status(const OPENSSL_STATUS& status, char* text, std::size_t size) noexcept {
  if (status.status == OPENSSL_STATUS_ERROR)
    std::snprintf(text, size, "STATUS_OUT ERROR %s: %s", openssl_reasonName(status.reason), status.text);
  else
    std::snprintf(text, size, "STATUS_OUT %s", openssl_statusName(status.status));
}

const char* answer_name(const Event* e) noexcept {
  if (kind_of(e) == OPENSSL_LOOKUP_OUT_KIND) return "";
  switch (lookup_of(e).answer) {
    case Answer::missing:
    case Answer::unasked:
    case Answer::cancelled: return "";
    case Answer::failed: return ", failed";
    case Answer::by_default: return ", default";
    case Answer::none: return ", none";
    case Answer::accept: return ", accepted";
    case Answer::alert: return ", refused";
    case Answer::value: return ", answered";
  }
  return "";
}

// "LOOKUP_IN SESSION (www.example.org), answered"
void describe_lookup(const OPENSSL_LOOKUP& lookup, const Event* e, char* text, std::size_t size) noexcept {
  const bool named = lookup.server_name[0] != '\0';
  std::snprintf(text, size, "%s %s%s%s%s%s", openssl_kindName(kind_of(e)), openssl_lookupName(lookup.question), named ? " (" : "",
                lookup.server_name, named ? ")" : "", answer_name(e));
}

}  // namespace

const char* openssl_describe(const OPENSSL_EVENT* e, char* text, size_t size) {
  const int kind = kind_of(event_of(e));
  switch (kind) {
    case OPENSSL_RECORD_IN_KIND:
    case OPENSSL_RECORD_OUT_KIND:
      std::snprintf(text, size, "%s %d bytes %s", openssl_kindName(kind), e->r.len, content_type(e->r));
      break;
    case OPENSSL_ENGINE_CALL_IN_KIND:
    case OPENSSL_ENGINE_CALL_OUT_KIND: describe_call(e->e, kind, text, size); break;
    case OPENSSL_STATUS_OUT_KIND: describe_status(e->s, text, size); break;
    case OPENSSL_LOOKUP_IN_KIND:
    case OPENSSL_LOOKUP_OUT_KIND: describe_lookup(e->l, event_of(e), text, size); break;
    default: std::snprintf(text, size, "%s %d bytes", openssl_kindName(kind), e->c.len); break;
  }
  return text;
}
