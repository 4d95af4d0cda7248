// Initialised signing contexts of a key, to be copied: a handshake begins two signatures, and to fetch for each takes
// longer than all else that offloading does.
#ifndef OPENSSL_EVENT_OFFLOAD_TEMPLATES_H
#define OPENSSL_EVENT_OFFLOAD_TEMPLATES_H

#include <atomic>
#include <mutex>

#include <openssl/evp.h>

#include "openssl_event/offload_settings.h"

namespace openssl_event {

// One context for each of the first few digests that the key signs with. What has been fetched stays, if the default
// properties of the library context change later. Any thread.
class SignTemplates {
 public:
  SignTemplates() = default;
  SignTemplates(const SignTemplates&) = delete;
  SignTemplates& operator=(const SignTemplates&) = delete;
  ~SignTemplates();

  // Makes of a new `context` what EVP_DigestSignInit_ex with the key and that digest, NULL or a name, would make of it.
  // False: do that.
  bool copy_to(EVP_MD_CTX* context, const char* digest) const noexcept;
  // Keeps a copy of a context that has just been initialised so, if that is safe and there is room and memory.
  void keep(const EVP_MD_CTX* context, const char* digest) noexcept;

 private:
  struct Template {
    std::atomic<EVP_MD_CTX*> context{nullptr};  // published last; constant from then on
    char digest[SignSettings::kNameSize] = "";
  };

  const Template* find(const char* digest) const noexcept;

  static constexpr int kTemplates = 4;
  Template templates_[kTemplates];  // those in use come first
  std::mutex adding_;
};

}  // namespace openssl_event

#endif
