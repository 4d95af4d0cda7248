// How a LOOKUP is answered. On whatever thread holds the event.
#include <openssl/err.h>

#include <cstring>

#include "openssl_event/error_queue.h"
#include "openssl_event/lookup_questions.h"

using namespace openssl_event;

namespace {

constexpr unsigned kAcceptable = OPENSSL_LOOKUP_CLIENT_HELLO | OPENSSL_LOOKUP_STAPLE_RECEIVED;
constexpr unsigned kRefusable = kAcceptable | OPENSSL_LOOKUP_CERTIFICATE | OPENSSL_LOOKUP_ALPN;
constexpr unsigned kOptional = OPENSSL_LOOKUP_CERTIFICATE | OPENSSL_LOOKUP_ALPN | OPENSSL_LOOKUP_SESSION |
                               OPENSSL_LOOKUP_TICKET_KEY | OPENSSL_LOOKUP_PSK | OPENSSL_LOOKUP_STAPLE;
constexpr unsigned kAny = kRefusable | kOptional | OPENSSL_LOOKUP_VERIFY;

int refuse(const char* why) noexcept {
  ERR_raise_data(ERR_LIB_USER, ERR_R_PASSED_INVALID_ARGUMENT, "%s", why);
  return 0;
}

// The question, if it is open and one of these; else nullptr, reported.
Lookup* open_lookup(OPENSSL_EVENT* e, unsigned questions, const char* function) noexcept {
  Event* event = event_of(e);
  if (!held_by_application(event, function)) return nullptr;
  if (kind_of(event) != OPENSSL_LOOKUP_OUT_KIND) {
    misuse(function, "this is no LOOKUP_OUT, or has been answered already");
    return nullptr;
  }
  if (!(static_cast<unsigned>(e->l.question) & questions)) {
    misuse(function, "this is no answer to the question");
    return nullptr;
  }
  return &lookup_of(event);
}

template <class Question>
Question* open_question(OPENSSL_EVENT* e, unsigned question, const char* function) noexcept {
  return static_cast<Question*>(open_lookup(e, question, function));
}

int end(OPENSSL_EVENT* e, Answer answer) noexcept {
  Event* event = event_of(e);
  lookup_of(event).answer = answer;
  flip_to_reply(event);
  return 1;
}

int answer_plainly(OPENSSL_EVENT* e, unsigned questions, const char* function, Answer answer) noexcept {
  return open_lookup(e, questions, function) ? end(e, answer) : 0;
}

}  // namespace

int openssl_answerAccept(OPENSSL_EVENT* e) {
  return answer_plainly(e, kAcceptable, "openssl_answerAccept", Answer::accept);
}
int openssl_answerNone(OPENSSL_EVENT* e) { return answer_plainly(e, kOptional, "openssl_answerNone", Answer::none); }
int openssl_answerDefault(OPENSSL_EVENT* e) {
  return answer_plainly(e, kAny, "openssl_answerDefault", Answer::by_default);
}

int openssl_answerAlert(OPENSSL_EVENT* e, int alert) {
  Lookup* lookup = open_lookup(e, kRefusable, "openssl_answerAlert");
  if (!lookup) return 0;
  lookup->alert = alert;
  return end(e, Answer::alert);
}

int openssl_answerContext(OPENSSL_EVENT* e, SSL_CTX* context) {
  auto* question = open_question<CertificateQuestion>(e, OPENSSL_LOOKUP_CERTIFICATE, "openssl_answerContext");
  if (!question) return 0;
  question->context.reset(up_ref(context));
  return question->context ? end(e, Answer::value) : 0;
}

int openssl_answerCertificate(OPENSSL_EVENT* e, X509* certificate, STACK_OF(X509) * chain, EVP_PKEY* key) {
  auto* question = open_question<CertificateQuestion>(e, OPENSSL_LOOKUP_CERTIFICATE, "openssl_answerCertificate");
  if (!question) return 0;
  question->certificate.reset(up_ref(certificate));
  question->key.reset(up_ref(key));
  question->chain.reset(chain ? X509_chain_up_ref(chain) : nullptr);
  return question->certificate && question->key && (!chain || question->chain) ? end(e, Answer::value) : 0;
}

int openssl_answerAlpn(OPENSSL_EVENT* e, const unsigned char* protocol, size_t len) {
  auto* question = open_question<AlpnQuestion>(e, OPENSSL_LOOKUP_ALPN, "openssl_answerAlpn");
  if (!question) return 0;
  question->chosen = question->find(protocol, len);
  if (question->chosen == question->offered.size())
    return refuse("openssl_answerAlpn: the client does not offer this protocol");
  return end(e, Answer::value);
}

int openssl_answerSession(OPENSSL_EVENT* e, SSL_SESSION* session) {
  auto* question = open_question<SessionQuestion>(e, OPENSSL_LOOKUP_SESSION, "openssl_answerSession");
  if (!question) return 0;
  question->session.reset(up_ref(session));
  return question->session ? end(e, Answer::value) : 0;
}

int openssl_answerTicketKey(OPENSSL_EVENT* e, const unsigned char* key, int renew) {
  auto* question = open_question<TicketQuestion>(e, OPENSSL_LOOKUP_TICKET_KEY, "openssl_answerTicketKey");
  if (!question || !question->key.copy(key, OPENSSL_TICKET_KEY_SIZE)) return 0;
  question->renew = renew != 0;
  return end(e, Answer::value);
}

int openssl_answerPsk(OPENSSL_EVENT* e, const char* identity, const unsigned char* key, size_t len) {
  return openssl_answerPskOf(e, identity, key, len, "SHA256");
}

int openssl_answerPskOf(OPENSSL_EVENT* e, const char* identity, const unsigned char* key, size_t len,
                        const char* digest) {
  constexpr std::size_t kMost = 256;  // PSK_MAX_PSK_LEN of OpenSSL 3.0
  auto* question = open_question<PskQuestion>(e, OPENSSL_LOOKUP_PSK, "openssl_answerPsk");
  if (!question) return 0;
  if (!(question->digest = find_psk_digest(digest))) return refuse("openssl_answerPsk: SHA256 or SHA384");
  if (len == 0 || len > kMost) return refuse("openssl_answerPsk: a key of 1 to 256 bytes");
  if (!question->operands.is_server) {
    if (!identity) return refuse("openssl_answerPsk: a client needs an identity");
    if (!question->identity.copy(identity, std::strlen(identity))) return 0;
  }
  return question->key.copy(key, len) ? end(e, Answer::value) : 0;
}

int openssl_answerStaple(OPENSSL_EVENT* e, const unsigned char* response, size_t len) {
  auto* question = open_question<StapleQuestion>(e, OPENSSL_LOOKUP_STAPLE, "openssl_answerStaple");
  if (!question) return 0;
  if (len == 0) return refuse("openssl_answerStaple: an empty response");
  return question->response.copy(response, len) ? end(e, Answer::value) : 0;
}

int openssl_answerVerified(OPENSSL_EVENT* e, int error, int depth, STACK_OF(X509) * chain) {
  auto* question = open_question<VerifyQuestion>(e, OPENSSL_LOOKUP_VERIFY, "openssl_answerVerified");
  if (!question) return 0;
  question->verified.reset(chain ? X509_chain_up_ref(chain) : nullptr);
  if (chain && !question->verified) return 0;
  question->error = error;
  question->depth = depth;
  return end(e, Answer::value);
}

int openssl_verifyChain(OPENSSL_EVENT* e) {
  auto* question = open_question<VerifyQuestion>(e, OPENSSL_LOOKUP_VERIFY, "openssl_verifyChain");
  if (!question) return 0;
  if (question->operands.in_place) return end(e, Answer::by_default);
  return question->verify() ? end(e, Answer::value) : 0;
}

int openssl_failLookup(OPENSSL_EVENT* e, const char* reason) {
  Lookup* lookup = open_lookup(e, kAny, "openssl_failLookup");
  if (!lookup) return 0;
  if (reason || ERR_peek_last_error() == 0)
    ERR_raise_data(ERR_LIB_USER, ERR_R_OPERATION_FAIL, "%s", reason ? reason : "the lookup gave no reason");
  take_newest_error(event_of(e), lookup->error);
  clear_errors();
  return end(e, Answer::failed);
}
