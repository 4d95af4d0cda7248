// Verification of the peer's chain, by somebody else or by OpenSSL.
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "openssl_event/error_queue.h"
#include "openssl_event/lookup_callbacks.h"

namespace openssl_event {
namespace {

using VerificationPointer = std::unique_ptr<X509_STORE_CTX, Freeing<X509_STORE_CTX_free>>;

// There is no way to ask, but a record that is not acceptable is refused in another way if DANE is off.
bool uses_dane(SSL* ssl) noexcept {
  constexpr unsigned char kNoUsage = 255;
  ERR_set_mark();
  const bool enabled = SSL_dane_tlsa_add(ssl, kNoUsage, 0, 0, reinterpret_cast<const unsigned char*>(""), 0) >= 0;
  ERR_pop_to_mark();
  return enabled;
}

bool has_callbacks(SSL* ssl, X509_STORE* store) noexcept {
  return SSL_get_verify_callback(ssl) || X509_STORE_get_verify_cb(store) || X509_STORE_get_verify(store) ||
         X509_STORE_get_get_issuer(store) || X509_STORE_get_check_revocation(store) || X509_STORE_get_get_crl(store) ||
         X509_STORE_get_check_crl(store) || X509_STORE_get_lookup_certs(store) || X509_STORE_get_lookup_crls(store);
}

SSL* ssl_of(X509_STORE_CTX* verification) noexcept {
  return static_cast<SSL*>(X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
}

}  // namespace

bool VerifyQuestion::fill(SSL* ssl, X509_STORE_CTX* verification) noexcept {
  X509_STORE* trusted = X509_STORE_CTX_get0_store(verification);
  chain.reset(X509_chain_up_ref(X509_STORE_CTX_get0_untrusted(verification)));
  store.reset(up_ref(trusted));
  param.reset(X509_VERIFY_PARAM_new());
  if (!chain || !store || !param || !X509_VERIFY_PARAM_set1(param.get(), X509_STORE_CTX_get0_param(verification)))
    return false;
  operands = {chain.get(), trusted, param.get(), uses_dane(ssl) || has_callbacks(ssl, trusted)};
  return true;
}

bool VerifyQuestion::verify() noexcept {
  clear_errors();
  const VerificationPointer verification(X509_STORE_CTX_new());
  X509_VERIFY_PARAM* copy = X509_VERIFY_PARAM_new();
  if (!verification || !copy || !X509_VERIFY_PARAM_set1(copy, param.get()) ||
      !X509_STORE_CTX_init(verification.get(), store.get(), sk_X509_value(chain.get(), 0), chain.get())) {
    X509_VERIFY_PARAM_free(copy);
    return false;
  }
  X509_STORE_CTX_set0_param(verification.get(), copy);
  const bool trusted = X509_verify_cert(verification.get()) > 0;
  error = X509_STORE_CTX_get_error(verification.get());
  if (!trusted && error == X509_V_OK) error = X509_V_ERR_UNSPECIFIED;
  depth = X509_STORE_CTX_get_error_depth(verification.get());
  verified.reset(X509_STORE_CTX_get1_chain(verification.get()));
  clear_errors();
  return true;
}

namespace {

// libssl overlooks what is refused in the mode SSL_VERIFY_NONE. It looks at the mode when this has returned.
int refuse(SSL* ssl, X509_STORE_CTX* verification, int error) noexcept {
  X509_STORE_CTX_set_error(verification, error);
  SSL_set_verify(ssl, SSL_get_verify_mode(ssl) | SSL_VERIFY_PEER, SSL_get_verify_callback(ssl));
  return 0;
}

int take(SSL* ssl, X509_STORE_CTX* verification, VerifyQuestion& answer) noexcept {
  X509_STORE_CTX_set_error_depth(verification, answer.depth);
  if (answer.verified) X509_STORE_CTX_set0_verified_chain(verification, answer.verified.release());
  if (answer.error != X509_V_OK) return refuse(ssl, verification, answer.error);
  X509_STORE_CTX_set_error(verification, X509_V_OK);
  return 1;
}

}  // namespace

// The result of the X509_STORE_CTX is what the SSL's verify result, and the alert, are made of.
int verify_asked(X509_STORE_CTX* verification, void*) noexcept {
  SSL* ssl = ssl_of(verification);
  Reply reply = ask<VerifyQuestion>(ssl, [=](VerifyQuestion& question) { return question.fill(ssl, verification); });
  if (reply.is_default()) return X509_verify_cert(verification);
  if (reply.has_value()) return take(ssl, verification, reply.as<VerifyQuestion>());
  return refuse(ssl, verification, X509_V_ERR_APPLICATION_VERIFICATION);
}

}  // namespace openssl_event
