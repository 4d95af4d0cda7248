// An engine that the program has made the default one for the ciphers of the record path. OpenSSL 4 has none.
#ifndef TESTS_SUPPORT_CIPHER_ENGINE_H
#define TESTS_SUPPORT_CIPHER_ENGINE_H

struct engine_st;

namespace openssl_event::testing {

class CipherEngine {
 public:
  CipherEngine();
  ~CipherEngine();
  CipherEngine(const CipherEngine&) = delete;
  CipherEngine& operator=(const CipherEngine&) = delete;

  // False: there are no engines.
  bool is_default() const { return engine_ != nullptr; }

 private:
  engine_st* engine_ = nullptr;
};

}  // namespace openssl_event::testing

#endif
