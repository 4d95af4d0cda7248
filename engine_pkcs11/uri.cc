#include "engine_pkcs11/uri.h"

#include <openssl/err.h>

#include <fstream>

namespace openssl_event::pkcs11 {

bool Uri::parse(const char* text) noexcept {
  uri_.reset(p11_kit_uri_new());
  const int result = uri_ ? p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri_.get()) : P11_KIT_URI_NO_MEMORY;
  if (result == P11_KIT_URI_OK && !p11_kit_uri_any_unrecognized(uri_.get())) {
    p11_kit_uri_clear_attribute(uri_.get(), CKA_CLASS);
    return true;
  }
  const char* why = result == P11_KIT_URI_OK ? "the URI has parts that are not understood" : p11_kit_uri_message(result);
  ERR_raise_data(ERR_LIB_USER, ERR_R_PASSED_INVALID_ARGUMENT, "pkcs11: %s", why ? why : "no such URI");
  return false;
}

std::string Uri::pin() const {
  if (const char* value = p11_kit_uri_get_pin_value(uri_.get())) return value;
  const char* source = p11_kit_uri_get_pin_source(uri_.get());
  if (!source) return {};
  std::string path = source, line;
  if (path.rfind("file:", 0) == 0) path.erase(0, 5);
  std::ifstream file(path);
  std::getline(file, line);
  return line;
}

}  // namespace openssl_event::pkcs11
