#include "tests/fuzz/answers.h"

#include <cstring>

#include "tests/fuzz/check.h"

namespace openssl_event::fuzz {
namespace {

int answer_with_key(OPENSSL_EVENT* lookup, unsigned char value) {
  unsigned char key[OPENSSL_TICKET_KEY_SIZE];
  std::memset(key, value, sizeof key);
  return openssl_answerTicketKey(lookup, key, 1);
}

int answer_with_staple(OPENSSL_EVENT* lookup) {
  return openssl_answerStaple(lookup, reinterpret_cast<const unsigned char*>("staple"), 6);
}

}  // namespace

void ask_everything(SSL_CTX* context) {
  CHECK(openssl_setLookups(context, OPENSSL_LOOKUP_CLIENT_HELLO | OPENSSL_LOOKUP_CERTIFICATE | OPENSSL_LOOKUP_ALPN |
                                        OPENSSL_LOOKUP_SESSION | OPENSSL_LOOKUP_TICKET_KEY | OPENSSL_LOOKUP_STAPLE |
                                        OPENSSL_LOOKUP_STAPLE_RECEIVED | OPENSSL_LOOKUP_VERIFY));
}

bool answer(OPENSSL_EVENT* lookup) {
  switch (lookup->l.question) {
    case OPENSSL_LOOKUP_CLIENT_HELLO:
    case OPENSSL_LOOKUP_STAPLE_RECEIVED:
      CHECK(openssl_answerAccept(lookup));
      return true;
    case OPENSSL_LOOKUP_CERTIFICATE:
    case OPENSSL_LOOKUP_ALPN:
    case OPENSSL_LOOKUP_SESSION:
      CHECK(openssl_answerNone(lookup));
      return true;
    case OPENSSL_LOOKUP_VERIFY:
      CHECK(openssl_verifyChain(lookup));
      return true;
    case OPENSSL_LOOKUP_TICKET_KEY:
      CHECK(answer_with_key(lookup, 1));
      return false;
    case OPENSSL_LOOKUP_STAPLE:
      CHECK(answer_with_staple(lookup));
      return false;
    default:
      CHECK(!"a question that was switched on");
      return false;
  }
}

void answer_wrongly(OPENSSL_EVENT* lookup) {
  switch (lookup->l.question) {
    case OPENSSL_LOOKUP_TICKET_KEY:
      CHECK(answer_with_key(lookup, 2));
      break;
    case OPENSSL_LOOKUP_STAPLE:
      CHECK(answer_with_staple(lookup));
      break;
    case OPENSSL_LOOKUP_VERIFY:
      CHECK(openssl_answerVerified(lookup, X509_V_ERR_CERT_REVOKED, 0, nullptr));
      break;
    case OPENSSL_LOOKUP_SESSION:
      CHECK(openssl_answerNone(lookup));
      break;
    default:
      CHECK(openssl_answerAlert(lookup, SSL_AD_ACCESS_DENIED));
  }
}

}  // namespace openssl_event::fuzz
