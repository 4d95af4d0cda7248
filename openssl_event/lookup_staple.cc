// OCSP staples (RFC 6066 8, RFC 8446 4.4.2.1): the server's to send, the client's to judge.
#include <cstring>

#include "openssl_event/lookup_callbacks.h"

namespace openssl_event {

bool StapleQuestion::fill_server(SSL* ssl) noexcept {
  STACK_OF(X509)* sent = nullptr;
  SSL_get0_chain_certs(ssl, &sent);
  if (X509* shown = SSL_get_certificate(ssl)) certificate.reset(up_ref(shown));
  if (sent) chain.reset(X509_chain_up_ref(sent));
  operands.certificate = certificate.get();
  operands.chain = chain.get();
  return !sent || chain;
}

bool StapleQuestion::fill_client(SSL* ssl) noexcept {
  const unsigned char* data = nullptr;
  const long size = SSL_get_tlsext_status_ocsp_resp(ssl, &data);
  STACK_OF(X509)* received = SSL_get_peer_cert_chain(ssl);
  certificate.reset(SSL_get1_peer_certificate(ssl));
  if (received) chain.reset(X509_chain_up_ref(received));
  operands.certificate = certificate.get();
  operands.chain = chain.get();
  if (received && !chain) return false;
  if (!data || size < 0) return true;
  if (!response.copy(data, static_cast<std::size_t>(size))) return false;
  operands.response = response.data();
  operands.response_len = response.size();
  return true;
}

namespace {

// What libssl makes of a client's result.
enum ClientResult { kError = -1, kRefused = 0, kAccepted = 1 };

bool staple(SSL* ssl, const Bytes& response) noexcept {
  auto* copy = static_cast<unsigned char*>(OPENSSL_memdup(response.data(), response.size()));
  if (copy && SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(response.size()))) return true;
  OPENSSL_free(copy);
  return false;
}

int answer_server(SSL* ssl) noexcept {
  if (!(lookups_of(SSL_get_SSL_CTX(ssl))->on & OPENSSL_LOOKUP_STAPLE)) return SSL_TLSEXT_ERR_NOACK;
  Reply reply = ask<StapleQuestion>(ssl, [ssl](StapleQuestion& question) { return question.fill_server(ssl); });
  if (reply.answer() == Answer::cancelled) return SSL_TLSEXT_ERR_ALERT_FATAL;
  if (!reply.has_value()) return SSL_TLSEXT_ERR_NOACK;
  return staple(ssl, reply.as<StapleQuestion>().response) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int answer_client(SSL* ssl) noexcept {
  if (!(lookups_of(SSL_get_SSL_CTX(ssl))->on & OPENSSL_LOOKUP_STAPLE_RECEIVED)) return kAccepted;
  const Reply reply =
      ask<ReceivedStapleQuestion>(ssl, [ssl](StapleQuestion& question) { return question.fill_client(ssl); });
  if (reply.is_default() || reply.answer() == Answer::accept) return kAccepted;
  return reply.answer() == Answer::alert ? kRefused : kError;
}

}  // namespace

int staple_asked(SSL* ssl, void*) noexcept { return SSL_is_server(ssl) ? answer_server(ssl) : answer_client(ssl); }

}  // namespace openssl_event
