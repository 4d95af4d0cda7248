#include "examples/https_server/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "engine_pkcs11/engine_pkcs11.h"
#include "examples/self_signed.h"
#include "openssl_event/openssl_event.h"

namespace https {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using KeyPointer = std::unique_ptr<EVP_PKEY, Free>;
using CertificatePointer = std::unique_ptr<X509, Free>;

// The newest entry of OpenSSL's error queue, which it empties.
std::string openssl_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  const std::string text = reason ? reason : "no reason given";
  ERR_clear_error();
  return text;
}

bool readable(const std::string& file, const char* flag, std::string& error) {
  const std::unique_ptr<std::FILE, Free> opened(std::fopen(file.c_str(), "r"));
  if (opened) return true;
  error = std::string(flag) + ": cannot read '" + file + "': " + std::strerror(errno) +
          "; give a PEM file, or leave --cert and --key out for a self-signed certificate";
  return false;
}

KeyPointer read_key(const std::string& file, std::string& error) {
  const std::unique_ptr<std::FILE, Free> opened(std::fopen(file.c_str(), "r"));
  KeyPointer key(opened ? PEM_read_PrivateKey(opened.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!key) error = "--key: no private key in '" + file + "' (" + openssl_reason() + "); it must be in PEM form";
  return key;
}

// Key shares and verifications are calls only in a library context that makes them so.
constexpr unsigned kInterposed =
    OPENSSL_OPERATION_BIT(OPENSSL_OPERATION_KEYGEN) | OPENSSL_OPERATION_BIT(OPENSSL_OPERATION_DERIVE) |
    OPENSSL_OPERATION_BIT(OPENSSL_OPERATION_VERIFY) | OPENSSL_OPERATION_BIT(OPENSSL_OPERATION_ENCAPSULATE) |
    OPENSSL_OPERATION_BIT(OPENSSL_OPERATION_DECAPSULATE);

bool interposes(const Options& options) { return options.operations & kInterposed; }

// The process's, for all contexts.
OSSL_LIB_CTX* offload_context() {
  static OSSL_LIB_CTX* const made = openssl_newOffloadContext(nullptr, nullptr, nullptr);
  return made;
}

bool use_key(SSL_CTX* context, EVP_PKEY* key, const Options& options) {
  return interposes(options) ? SSL_CTX_use_PrivateKey(context, key) > 0 : use_offloaded_key(context, key);
}

bool use_token(SSL_CTX* context, const Options& options, std::string& error) {
  EVP_PKEY* public_key = X509_get0_pubkey(SSL_CTX_get0_certificate(context));
  const KeyPointer key(openssl_pkcs11Key(options.token_key.c_str(), public_key));
  if (key && SSL_CTX_use_PrivateKey(context, key.get()) > 0) return true;
  error = "--engine: '" + options.token_key + "' cannot be used (" + openssl_reason() + "); give a URI as of RFC 7512";
  return false;
}

bool use_files(SSL_CTX* context, const Options& options, std::string& error) {
  if (!readable(options.certificate_file, "--cert", error)) return false;
  if (options.token_key.empty() && !readable(options.key_file, "--key", error)) return false;
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) <= 0) {
    error = "--cert: no certificate in '" + options.certificate_file + "' (" + openssl_reason() + "); it must be in PEM form";
    return false;
  }
  if (!options.token_key.empty()) return use_token(context, options, error);
  const KeyPointer key = read_key(options.key_file, error);
  if (!key) return false;
  if (use_key(context, key.get(), options)) return true;
  error = "the key of --key does not fit the certificate of --cert (" + openssl_reason() + ")";
  return false;
}

bool use_key_in_memory(SSL_CTX* context, const Options& options, std::string& error) {
  const KeyPointer key(make_key(options.rsa_bits));
  const CertificatePointer certificate(key ? make_self_signed(key.get()) : nullptr);
  if (certificate && SSL_CTX_use_certificate(context, certificate.get()) > 0 && use_key(context, key.get(), options)) return true;
  error = "cannot make a self-signed certificate: " + openssl_reason();
  return false;
}

// RFC 7301 3.2: with no protocol in common the handshake ends with no_application_protocol.
int select_protocol(SSL*, const unsigned char** out, unsigned char* out_len, const unsigned char* in, unsigned in_len, void*) {
  static constexpr unsigned char kOurs[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1', 8, 'h', 't', 't', 'p', '/', '1', '.', '0'};
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, out_len, kOurs, sizeof kOurs, in, in_len) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

ContextPointer new_context(const Options& options, std::string& error) {
  OSSL_LIB_CTX* library = interposes(options) ? offload_context() : nullptr;
  ContextPointer context(interposes(options) && !library ? nullptr : SSL_CTX_new_ex(library, nullptr, TLS_server_method()));
  if (!context || !openssl_setContextOperations(context.get(), options.operations)) {
    error = "cannot make an SSL_CTX: " + openssl_reason();
    return nullptr;
  }
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);  // idle connections hold no buffers
  SSL_CTX_set_mode(context.get(), SSL_MODE_NO_AUTO_CHAIN);    // the chain is --cert's; else each handshake looks for one
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // sessions are resumed by ticket
  SSL_CTX_set_session_id_context(context.get(), reinterpret_cast<const unsigned char*>(kSessionIdContext),
                                 sizeof kSessionIdContext - 1);
  SSL_CTX_set_alpn_select_cb(context.get(), select_protocol, nullptr);
  return context;
}

// What one has issued the other takes.
bool share_tickets(SSL_CTX* from, SSL_CTX* to) {
  unsigned char keys[80];  // name, HMAC key, AES key: SSL_CTX_set_tlsext_ticket_keys
  const bool shared = SSL_CTX_get_tlsext_ticket_keys(from, keys, sizeof keys) > 0 &&
                      SSL_CTX_set_tlsext_ticket_keys(to, keys, sizeof keys) > 0;
  OPENSSL_cleanse(keys, sizeof keys);
  return shared;
}

}  // namespace

ContextPointer make_context(const Options& options, std::string& error) {
  ContextPointer context = new_context(options, error);
  const bool ok = context && (options.certificate_file.empty() ? use_key_in_memory(context.get(), options, error)
                                                               : use_files(context.get(), options, error));
  if (ok && options.record_path && !openssl_prepareContext(context.get())) {
    error = "cannot prepare the SSL_CTX for the record path: " + openssl_reason();
    return nullptr;
  }
  return ok ? std::move(context) : nullptr;
}

ContextPointer make_unprepared(SSL_CTX* prepared, const Options& options, std::string& error) {
  ContextPointer context = new_context(options, error);
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(prepared, &chain);
  if (context && SSL_CTX_use_certificate(context.get(), SSL_CTX_get0_certificate(prepared)) > 0 &&
      (!chain || SSL_CTX_set1_chain(context.get(), chain) > 0) &&
      SSL_CTX_use_PrivateKey(context.get(), SSL_CTX_get0_privatekey(prepared)) > 0 && share_tickets(prepared, context.get()))
    return context;
  if (error.empty()) error = "cannot make a second SSL_CTX: " + openssl_reason();
  return nullptr;
}

}  // namespace https
