#include "openssl_event/offload_settings.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

namespace openssl_event {
namespace {

constexpr int kAutoDigestMax = -4;  // RSA_PSS_SALTLEN_AUTO_DIGEST_MAX, since OpenSSL 3.1

struct NamedValue {
  const char* name;
  int value;
};

const NamedValue kPaddings[] = {{OSSL_PKEY_RSA_PAD_MODE_PKCSV15, RSA_PKCS1_PADDING},
                                {OSSL_PKEY_RSA_PAD_MODE_PSS, RSA_PKCS1_PSS_PADDING},
                                {OSSL_PKEY_RSA_PAD_MODE_X931, RSA_X931_PADDING},
                                {OSSL_PKEY_RSA_PAD_MODE_NONE, RSA_NO_PADDING}};
const NamedValue kSaltLengths[] = {{OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST, RSA_PSS_SALTLEN_DIGEST},
                                   {OSSL_PKEY_RSA_PSS_SALT_LEN_MAX, RSA_PSS_SALTLEN_MAX},
                                   {OSSL_PKEY_RSA_PSS_SALT_LEN_AUTO, RSA_PSS_SALTLEN_AUTO},
                                   {"auto-digestmax", kAutoDigestMax}};

// Either may come as an integer or as a string: one of the names, or a number's digits.
template <size_t N>
void note_value(const OSSL_PARAM params[], const char* key, const NamedValue (&names)[N], int& value) noexcept {
  const OSSL_PARAM* param = OSSL_PARAM_locate_const(params, key);
  if (param == nullptr) return;
  if (param->data_type != OSSL_PARAM_UTF8_STRING) {
    OSSL_PARAM_get_int(param, &value);
    return;
  }
  const auto* text = static_cast<const char*>(param->data);
  const auto* found = std::find_if(names, names + N, [text](auto& entry) { return !std::strcmp(entry.name, text); });
  value = found == names + N ? std::atoi(text) : found->value;
}

void note_name(const OSSL_PARAM params[], const char* key, char (&name)[SignSettings::kNameSize]) noexcept {
  const OSSL_PARAM* param = OSSL_PARAM_locate_const(params, key);
  char* target = name;
  if (param != nullptr) OSSL_PARAM_get_utf8_string(param, &target, sizeof name);
}

bool names_variant(const OSSL_PARAM params[]) noexcept {  // OpenSSL 3.2 and later
  return OSSL_PARAM_locate_const(params, "instance") != nullptr ||
         OSSL_PARAM_locate_const(params, "context-string") != nullptr;
}

}  // namespace

void SignSettings::reset(const char* key_type) noexcept {
  *this = SignSettings();
  if (std::strcmp(key_type, "RSA") == 0) padding = RSA_PKCS1_PADDING;
  if (std::strcmp(key_type, "RSA-PSS") == 0) padding = RSA_PKCS1_PSS_PADDING;
  salt_length = RSA_PSS_SALTLEN_AUTO;
}

void SignSettings::note(const OSSL_PARAM params[]) noexcept {
  if (params == nullptr) return;
  note_value(params, OSSL_SIGNATURE_PARAM_PAD_MODE, kPaddings, padding);
  note_value(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN, kSaltLengths, salt_length);
  note_name(params, OSSL_SIGNATURE_PARAM_DIGEST, digest);
  note_name(params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST, mgf1_digest);
  is_variant = is_variant || names_variant(params);
}

void SignSettings::ask(EVP_PKEY_CTX* inner) noexcept {
  SignSettings told = *this;
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, told.digest, sizeof told.digest),
      OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end()};
  if (padding != 0) {
    params[1] = OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PAD_MODE, &told.padding);
    params[2] = OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, &told.salt_length);
    params[3] = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, told.mgf1_digest,
                                                 sizeof told.mgf1_digest);
  }
  if (EVP_PKEY_CTX_get_params(inner, params) > 0) *this = told;
}

void SignSettings::complete(EVP_PKEY_CTX* inner, const EVP_PKEY* key, const EVP_MD* md, size_t tbs_len,
                            bool is_verifier) noexcept {
  ask(inner);
  if (md != nullptr) OPENSSL_strlcpy(digest, EVP_MD_get0_name(md), sizeof digest);
  normalize_digest(digest);
  if (padding != RSA_PKCS1_PSS_PADDING) {
    mgf1_digest[0] = '\0';
    salt_length = 0;
    return;
  }
  if (mgf1_digest[0] == '\0') std::memcpy(mgf1_digest, digest, sizeof digest);
  normalize_digest(mgf1_digest);
  if (is_verifier && (salt_length == RSA_PSS_SALTLEN_AUTO || salt_length == kAutoDigestMax))
    salt_length = RSA_PSS_SALTLEN_AUTO;
  else
    salt_length = salt_bytes(md == nullptr ? static_cast<int>(tbs_len) : EVP_MD_get_size(md), EVP_PKEY_get_bits(key));
}

bool SignSettings::is_expressible() const noexcept {
  return !is_variant && (padding == 0 || padding == RSA_PKCS1_PADDING || padding == RSA_PKCS1_PSS_PADDING);
}

int SignSettings::salt_bytes(int hash_size, int modulus_bits) const noexcept {
  if (salt_length >= 0) return salt_length;
  const int longest = std::max((modulus_bits - 1 + 7) / 8 - hash_size - 2, 0);  // emLen - hLen - 2
  switch (salt_length) {
    case RSA_PSS_SALTLEN_DIGEST: return hash_size;
    case kAutoDigestMax: return std::min(hash_size, longest);
    default: return longest;  // "auto" too, when signing
  }
}

void ExchangeSettings::note(const OSSL_PARAM params[]) noexcept {
  if (params == nullptr) return;
  for (const OSSL_PARAM* param = params; param->key != nullptr; ++param) {
    unsigned pad = 0;
    if (std::strcmp(param->key, OSSL_EXCHANGE_PARAM_PAD) == 0 && OSSL_PARAM_get_uint(param, &pad))
      is_padded = pad != 0;
    else
      is_plain = false;
  }
}

void CipherSettings::note(const OSSL_PARAM params[]) noexcept {
  if (params == nullptr) return;
  int padding = is_premaster ? RSA_PKCS1_WITH_TLS_PADDING : 0;
  note_value(params, OSSL_ASYM_CIPHER_PARAM_PAD_MODE, kPaddings, padding);
  is_premaster = padding == RSA_PKCS1_WITH_TLS_PADDING;
  const OSSL_PARAM* version = OSSL_PARAM_locate_const(params, OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION);
  if (version != nullptr) OSSL_PARAM_get_uint(version, &client_version);
  version = OSSL_PARAM_locate_const(params, OSSL_ASYM_CIPHER_PARAM_TLS_NEGOTIATED_VERSION);
  if (version != nullptr) OSSL_PARAM_get_uint(version, &other_version);
}

void normalize_digest(char* name) noexcept {
  if (std::strncmp(name, "SHA2-", 5) != 0) return;
  std::memmove(name + 3, name + 5, std::strlen(name + 5) + 1);
  if (char* slash = std::strchr(name, '/')) *slash = '-';  // SHA2-512/256 is SHA512-256
}

}  // namespace openssl_event
