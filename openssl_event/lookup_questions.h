// The questions, each with its operands and its answer.
#ifndef OPENSSL_EVENT_LOOKUP_QUESTIONS_H
#define OPENSSL_EVENT_LOOKUP_QUESTIONS_H

#include <openssl/err.h>

#include <memory>
#include <new>

#include "openssl_event/client_hello.h"
#include "openssl_event/connection.h"
#include "openssl_event/lookup.h"

namespace openssl_event {

inline void free_chain(STACK_OF(X509) * chain) noexcept { sk_X509_pop_free(chain, X509_free); }

template <auto Free>
struct Freeing {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using ContextPointer = std::unique_ptr<SSL_CTX, Freeing<SSL_CTX_free>>;
using SessionPointer = std::unique_ptr<SSL_SESSION, Freeing<SSL_SESSION_free>>;
using CertificatePointer = std::unique_ptr<X509, Freeing<X509_free>>;
using ChainPointer = std::unique_ptr<STACK_OF(X509), Freeing<free_chain>>;
using KeyPointer = std::unique_ptr<EVP_PKEY, Freeing<EVP_PKEY_free>>;
using StorePointer = std::unique_ptr<X509_STORE, Freeing<X509_STORE_free>>;
using ParamPointer = std::unique_ptr<X509_VERIFY_PARAM, Freeing<X509_VERIFY_PARAM_free>>;

inline SSL_CTX* up_ref(SSL_CTX* context) noexcept { return SSL_CTX_up_ref(context) ? context : nullptr; }
inline SSL_SESSION* up_ref(SSL_SESSION* session) noexcept { return SSL_SESSION_up_ref(session) ? session : nullptr; }
inline X509* up_ref(X509* certificate) noexcept { return X509_up_ref(certificate) ? certificate : nullptr; }
inline EVP_PKEY* up_ref(EVP_PKEY* key) noexcept { return EVP_PKEY_up_ref(key) ? key : nullptr; }
inline X509_STORE* up_ref(X509_STORE* store) noexcept { return X509_STORE_up_ref(store) ? store : nullptr; }

// What is called fill copies the operands: false without memory.

struct HelloQuestion final : Lookup {
  static constexpr int kQuestion = OPENSSL_LOOKUP_CLIENT_HELLO;
  HelloQuestion() noexcept : Lookup(kQuestion) {}
  bool fill(SSL* ssl) noexcept;
  bool fill_from(const HelloTap& tap) noexcept;  // all that came
  bool fill_from_libssl(SSL* ssl) noexcept;      // with the extensions that libssl knows
  void expose(OPENSSL_LOOKUP& lookup) const noexcept override { lookup.u.client_hello = &hello; }

  OPENSSL_CLIENT_HELLO hello = {};
  Bytes storage;  // of all that hello points to, but the name
  char name[kNameSize];
  std::unique_ptr<OPENSSL_EXTENSION[]> extensions;
};

struct CertificateQuestion final : Lookup {
  static constexpr int kQuestion = OPENSSL_LOOKUP_CERTIFICATE;
  CertificateQuestion() noexcept : Lookup(kQuestion) {}
  void expose(OPENSSL_LOOKUP& lookup) const noexcept override { lookup.u.certificate = &operands; }

  OPENSSL_CERTIFICATE_LOOKUP operands = {};
  ContextPointer context;  // either this, or what follows
  CertificatePointer certificate;
  ChainPointer chain;
  KeyPointer key;
};

struct AlpnQuestion final : Lookup {
  static constexpr int kQuestion = OPENSSL_LOOKUP_ALPN;
  AlpnQuestion() noexcept : Lookup(kQuestion) {}
  bool fill(const unsigned char* protocols, std::size_t size) noexcept;
  void expose(OPENSSL_LOOKUP& lookup) const noexcept override { lookup.u.alpn = &operands; }
  // Where in the list, at its length byte, this one is offered; size() if it is not.
  std::size_t find(const unsigned char* protocol, std::size_t size) const noexcept;

  OPENSSL_ALPN_LOOKUP operands = {};
  Bytes offered;
  std::size_t chosen = 0;
};

struct SessionQuestion final : Lookup {
  static constexpr int kQuestion = OPENSSL_LOOKUP_SESSION;
  SessionQuestion() noexcept : Lookup(kQuestion) {}
  bool fill(const unsigned char* id, std::size_t size) noexcept;
  void expose(OPENSSL_LOOKUP& lookup) const noexcept override { lookup.u.session = &operands; }

  OPENSSL_SESSION_LOOKUP operands = {};
  Bytes identity;
  SessionPointer session;
};

struct TicketQuestion final : Lookup {
  static constexpr int kQuestion = OPENSSL_LOOKUP_TICKET_KEY;
  TicketQuestion() noexcept : Lookup(kQuestion) {}
  bool fill(const unsigned char* name) noexcept;  // nullptr: for a new ticket
  void expose(OPENSSL_LOOKUP& lookup) const noexcept override { lookup.u.ticket = &operands; }

  OPENSSL_TICKET_LOOKUP operands = {};
  Bytes key_name;
  Bytes key;
  bool renew = false;
};

struct PskDigest {
  const char* name;
  unsigned char suite[2];  // one with it: any will do
};
// nullptr: no suite of TLS 1.3 has it.
const PskDigest* find_psk_digest(const char* name) noexcept;

struct PskQuestion final : Lookup {
  static constexpr int kQuestion = OPENSSL_LOOKUP_PSK;
  PskQuestion() noexcept : Lookup(kQuestion) {}
  bool fill_server(const unsigned char* said, std::size_t size) noexcept;
  bool fill_client(const char* from_server) noexcept;
  void expose(OPENSSL_LOOKUP& lookup) const noexcept override { lookup.u.psk = &operands; }

  OPENSSL_PSK_LOOKUP operands = {};
  Bytes identity;  // the operand, on a server; the answer, on a client
  Bytes hint;
  Bytes key;
  const PskDigest* digest = nullptr;  // to which the key belongs, in TLS 1.3
};

struct StapleQuestion : Lookup {
  static constexpr int kQuestion = OPENSSL_LOOKUP_STAPLE;
  explicit StapleQuestion(int asked = kQuestion) noexcept : Lookup(asked) {}
  bool fill_server(SSL* ssl) noexcept;
  bool fill_client(SSL* ssl) noexcept;
  void expose(OPENSSL_LOOKUP& lookup) const noexcept override { lookup.u.staple = &operands; }

  OPENSSL_STAPLE_LOOKUP operands = {};
  CertificatePointer certificate;
  ChainPointer chain;
  Bytes response;  // the operand, on a client; the answer, on a server
};

struct ReceivedStapleQuestion final : StapleQuestion {
  static constexpr int kQuestion = OPENSSL_LOOKUP_STAPLE_RECEIVED;
  ReceivedStapleQuestion() noexcept : StapleQuestion(kQuestion) {}
};

struct VerifyQuestion final : Lookup {
  static constexpr int kQuestion = OPENSSL_LOOKUP_VERIFY;
  VerifyQuestion() noexcept : Lookup(kQuestion) {}
  bool fill(SSL* ssl, X509_STORE_CTX* verification) noexcept;
  void expose(OPENSSL_LOOKUP& lookup) const noexcept override { lookup.u.verify = &operands; }
  // Verifies with OpenSSL, on the calling thread. False: it could not be begun.
  bool verify() noexcept;

  OPENSSL_VERIFY_LOOKUP operands = {};
  ChainPointer chain;
  StorePointer store;
  ParamPointer param;
  ChainPointer verified;
  int error = X509_V_ERR_UNSPECIFIED;
  int depth = 0;
};

// Asks the application of the SSL's machine, and waits. fill(question) copies the operands: false without memory.
template <class Question, class Fill>
Reply ask(SSL* ssl, Fill fill) noexcept {
  Connection* connection = Connection::of(ssl);
  if (!connection || !connection->can_wait()) return Reply(Answer::unasked);
  std::unique_ptr<Question> question(new (std::nothrow) Question);
  if (!question)
    ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
  else if (!fill(*question))
    question.reset();
  return connection->ask(Question::kQuestion, std::move(question));
}

}  // namespace openssl_event

#endif
