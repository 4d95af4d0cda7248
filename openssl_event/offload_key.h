// The key data behind an offloaded EVP_PKEY.
#ifndef OPENSSL_EVENT_OFFLOAD_KEY_H
#define OPENSSL_EVENT_OFFLOAD_KEY_H

#include <atomic>
#include <memory>
#include <mutex>

#include <openssl/evp.h>

#include "openssl_event/offload_templates.h"
#include "openssl_event/openssl_event.h"

namespace openssl_event {

// Where the operations on keys that a provider makes or imports are fetched.
struct OffloadHome {
  OSSL_LIB_CTX* libctx = nullptr;
  const char* propq = nullptr;
  bool takes_private = false;  // imports private halves too
};

// What an engine gave for a private key that only it has. engine NULL: the key is OpenSSL's.
struct EngineHandle {
  const OPENSSL_ENGINE* engine = nullptr;
  void* handle = nullptr;
  void (*free_handle)(void*) = nullptr;

  void end() noexcept {
    if (free_handle != nullptr) free_handle(handle);
    *this = {};
  }
};

// What openssl_offloadKey and openssl_engineKey hand through EVP_PKEY_fromdata to the key manager.
struct OffloadRequest {
  EVP_PKEY* inner;
  OSSL_LIB_CTX* libctx;
  const char* propq;
  unsigned int flags;
  EngineHandle handle = {};
};

// The real key, whatever provider it lives in: a private key that was offloaded, a key share, or any key that libcrypto
// brings here. Reference counted: calls that are out hold it beyond the EVP_PKEY.
class OffloadedKey {
 public:
  // Without a key yet; NULL without memory. `type` names the key type, and is static.
  static OffloadedKey* make(const char* type, const OffloadHome& home = {}) noexcept;
  OffloadedKey(const OffloadedKey&) = delete;
  OffloadedKey& operator=(const OffloadedKey&) = delete;

  void ref() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void unref() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  // Takes a reference to the key of the request, and takes its handle over.
  bool adopt(OffloadRequest&& request) noexcept;
  // A request for another one that holds the same key.
  OffloadRequest again(unsigned int flags) const noexcept { return {inner_, libctx_, propq(), flags | flags_}; }
  // Takes a new key: its private half is in it, or is the engine's. Takes over both.
  void adopt_generated(EVP_PKEY* inner, int parts, const EngineHandle& handle) noexcept;
  // Makes a key of it where it is at home.
  bool import(int selection, const OSSL_PARAM params[]) noexcept;
  // A copy of what `selection` (never the private part) names, imported as above; NULL on failure.
  OffloadedKey* copy_public(int selection) const noexcept;

  // Sets parameters of the inner key, which may give a public key of parameters only its public half.
  bool set_params(const OSSL_PARAM params[]) noexcept;

  const char* type() const noexcept { return type_; }
  EVP_PKEY* inner() const noexcept { return inner_; }
  OSSL_LIB_CTX* libctx() const noexcept { return libctx_; }
  const char* propq() const noexcept { return propq_.get(); }
  // The private half is an engine's; the inner key is public.
  const EngineHandle& handle() const noexcept { return handle_; }
  bool is_engines() const noexcept { return handle_.engine != nullptr; }
  // Else the private half is not for libcrypto: the key was offloaded, or only an engine has it.
  bool lends_private() const noexcept { return takes_private_ && !sealed_ && !is_engines(); }
  bool has(int selection) const noexcept;
  bool matches(const OffloadedKey& other, int selection) const noexcept;

  // A context for an operation on the inner key, fetched where the key lives. The caller's.
  EVP_PKEY_CTX* new_context() const noexcept { return EVP_PKEY_CTX_new_from_pkey(libctx_, inner_, propq()); }

  // libssl checks a peer's key share before it derives. The check takes as long as the derivation, of which it becomes a
  // part then: only that uses the key, which nobody else can get at.
  bool is_share() const noexcept { return is_share_; }
  void check_later() noexcept { unchecked_ = true; }
  bool is_valid() const noexcept;  // the check, if it was put off

  // Of signatures with the inner key; NULL if the key is not thread-safe.
  SignTemplates* templates() noexcept { return serializes() ? nullptr : &templates_; }

  // Held while the inner key computes, so that a key which is not thread-safe does one thing at a time. Never across a
  // park, and not while a context is only set up: the thread that has the connection would wait for a worker.
  class Turn {
   public:
    explicit Turn(OffloadedKey& key) noexcept : mutex_(key.serializes() ? &key.mutex_ : nullptr) {
      if (mutex_ != nullptr) mutex_->lock();
    }
    ~Turn() {
      if (mutex_ != nullptr) mutex_->unlock();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    std::mutex* mutex_;
  };

 private:
  explicit OffloadedKey(const char* type) noexcept : type_(type) {}
  ~OffloadedKey() {
    EVP_PKEY_free(inner_);
    handle_.end();
  }
  bool serializes() const noexcept { return (flags_ & OPENSSL_OFFLOAD_SERIALIZE) != 0; }
  bool copy_propq(const char* propq) noexcept;
  bool make_share(const OSSL_PARAM& encoded) noexcept;

  const char* type_;
  EVP_PKEY* inner_ = nullptr;
  OSSL_LIB_CTX* libctx_ = nullptr;
  std::unique_ptr<char[]> propq_;
  EngineHandle handle_;
  bool takes_private_ = false;
  bool sealed_ = false;
  bool is_share_ = false;
  bool unchecked_ = false;
  int parts_ = 0;  // OSSL_KEYMGMT_SELECT_*: which halves there are
  unsigned int flags_ = 0;
  SignTemplates templates_;
  std::mutex mutex_;
  std::atomic<int> references_{1};
};

}  // namespace openssl_event

#endif
