#include "tests/support/keys.h"

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/x509v3.h>

namespace openssl_event::testing {
namespace {

void require(bool done, const char* what) {
  if (done) return;
  std::fprintf(stderr, "tests/support/keys: %s failed\n", what);
  ERR_print_errors_fp(stderr);
  std::abort();
}

const char* algorithm(KeyType type) {
  switch (type) {
    case KeyType::kRsa: return "RSA";
    case KeyType::kRsaPss: return "RSA-PSS";
    case KeyType::kEcP256:
    case KeyType::kEcP384:
    case KeyType::kEcP521: return "EC";
    case KeyType::kEd25519: return "ED25519";
    case KeyType::kEd448: return "ED448";
  }
  std::abort();
}

const char* curve(KeyType type) {
  switch (type) {
    case KeyType::kEcP256: return "P-256";
    case KeyType::kEcP384: return "P-384";
    case KeyType::kEcP521: return "P-521";
    default: return nullptr;
  }
}

bool chooses_its_digest(EVP_PKEY* key) { return EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448"); }

void add_extension(X509* certificate, int nid, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  require(extension != nullptr && X509_add_ext(certificate, extension, -1), "X509_add_ext");
  X509_EXTENSION_free(extension);
}

void set_names(X509* certificate, const char* name) {
  X509_NAME* subject = X509_NAME_new();
  require(subject != nullptr && X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                                           reinterpret_cast<const unsigned char*>(name), -1, -1, 0),
          "X509_NAME_add_entry_by_txt");
  require(X509_set_subject_name(certificate, subject) && X509_set_issuer_name(certificate, subject), "X509 names");
  X509_NAME_free(subject);
}

}  // namespace

const char* key_type_name(KeyType type) {
  switch (type) {
    case KeyType::kRsa: return "Rsa";
    case KeyType::kRsaPss: return "RsaPss";
    case KeyType::kEcP256: return "EcP256";
    case KeyType::kEcP384: return "EcP384";
    case KeyType::kEcP521: return "EcP521";
    case KeyType::kEd25519: return "Ed25519";
    case KeyType::kEd448: return "Ed448";
  }
  std::abort();
}

Key make_key(KeyType type, OSSL_LIB_CTX* libctx) {
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(libctx, algorithm(type), nullptr);
  require(context != nullptr && EVP_PKEY_keygen_init(context) > 0, "EVP_PKEY_keygen_init");
  if (const char* group = curve(type)) {
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(group), 0),
        OSSL_PARAM_construct_end()};
    require(EVP_PKEY_CTX_set_params(context, params) > 0, "the group");
  }
  EVP_PKEY* key = nullptr;
  require(EVP_PKEY_generate(context, &key) > 0, "EVP_PKEY_generate");
  EVP_PKEY_CTX_free(context);
  return Key(key);
}

EVP_PKEY* shared_key(KeyType type) {
  static std::mutex making;
  static std::array<Key, 7> keys;
  const std::lock_guard<std::mutex> lock(making);
  Key& key = keys.at(static_cast<size_t>(type));
  if (key == nullptr) key = make_key(type);
  return key.get();
}

Certificate make_certificate(EVP_PKEY* key, const char* name, OSSL_LIB_CTX* libctx) {
  Certificate certificate(X509_new_ex(libctx, nullptr));
  require(certificate != nullptr && X509_set_version(certificate.get(), X509_VERSION_3), "X509_new");
  static std::atomic<long> serial{0};  // RFC 5280 4.1.2.2; OpenSSL 4.0 knows a certificate by it and its issuer
  require(ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial), "ASN1_INTEGER_set");
  require(X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -24L * 60 * 60) != nullptr &&
              X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 10L * 365 * 24 * 60 * 60) != nullptr,
          "X509_gmtime_adj");
  set_names(certificate.get(), name);
  require(X509_set_pubkey(certificate.get(), key), "X509_set_pubkey");
  add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate.get(), NID_subject_alt_name, std::string("DNS:") + name);
  require(X509_sign(certificate.get(), key, chooses_its_digest(key) ? nullptr : EVP_sha256()) > 0, "X509_sign");
  return certificate;
}

}  // namespace openssl_event::testing
