// A SoftHSM token with keys in it, in a directory of its own.
#ifndef TESTS_ENGINE_PKCS11_SOFT_TOKEN_H
#define TESTS_ENGINE_PKCS11_SOFT_TOKEN_H

#include <openssl/evp.h>

#include <string>

namespace openssl_event::testing {

constexpr char kModule[] = "/usr/lib/softhsm/libsofthsm2.so";
constexpr char kPin[] = "1234";

// The process's SoftHSM; made before it is used. Functions abort on failure.
class SoftToken {
 public:
  explicit SoftToken(std::string label) : label_(std::move(label)) { create(); }
  ~SoftToken() { remove(); }
  SoftToken(const SoftToken&) = delete;
  SoftToken& operator=(const SoftToken&) = delete;

  void create();
  void remove();
  void import(EVP_PKEY* key, const std::string& label);
  // Ends all sessions behind their users' backs, as a token does that has been pulled.
  void close_all_sessions();

  // With pin-value=`pin`, or without a PIN if that is "".
  std::string uri(const std::string& object, const std::string& pin = kPin, const std::string& module = kModule) const;

 private:
  const std::string label_;
  bool exists_ = false;
};

}  // namespace openssl_event::testing

#endif
