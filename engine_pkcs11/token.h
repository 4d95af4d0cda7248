// The token with the key: modules, the slot, and sessions for those who want one.
#ifndef ENGINE_PKCS11_TOKEN_H
#define ENGINE_PKCS11_TOKEN_H

#include <p11-kit/p11-kit.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "engine_pkcs11/uri.h"

namespace openssl_event::pkcs11 {

struct Session {
  CK_FUNCTION_LIST* module = nullptr;
  CK_SESSION_HANDLE handle = 0;
  CK_OBJECT_HANDLE key = 0;
};

// What a call wanted and did not get: a CK_RV, or words.
struct Failure {
  CK_RV value = CKR_OK;
  const char* what = nullptr;  // was being done

  bool failed() const noexcept { return what != nullptr; }
};

// Ends all sessions of the process; registered for its end. Defined with the keys.
void close_all_keys() noexcept;

// In one process: a child of fork makes one of its own. Any thread. Members may throw bad_alloc.
class Token {
 public:
  explicit Token(const Uri& uri) : uri_(uri) {}
  ~Token();
  Token(const Token&) = delete;
  Token& operator=(const Token&) = delete;

  pid_t process() const noexcept { return process_; }

  // A session with the key in it, the caller's until it is given back or dropped.
  Failure take(Session& session);
  void give_back(const Session& session) noexcept;
  // It has failed: the token may have gone.
  void drop(const Session& session) noexcept;
  // At the end of the process: gives no more, and finalises if all that are taken come back until then.
  void refuse() noexcept { users_.fetch_or(kClosed, std::memory_order_acq_rel); }
  void close(std::chrono::steady_clock::time_point deadline) noexcept;

 private:
  bool enter() noexcept;
  void leave() noexcept { users_.fetch_sub(1, std::memory_order_acq_rel); }
  Failure open(Session& session);
  Failure load();
  void load_modules();
  void keep_modules();
  void unload() noexcept;
  Failure find_slot(CK_FUNCTION_LIST*& module, CK_SLOT_ID& slot, bool& login);
  Failure log_in(const Session& session);
  Failure find_key(Session& session);

  const Uri& uri_;
  const pid_t process_ = getpid();
  // Those between take() and give_back() or drop(), and kClosed. No lock: at exit this thread might hold it.
  static constexpr unsigned kClosed = 1u << 31;
  std::atomic<unsigned> users_{0};
  std::mutex opening_;  // of users: guards all below
  std::vector<CK_FUNCTION_LIST*> modules_;
  std::vector<Session> idle_;
  std::string refused_pin_;
};

}  // namespace openssl_event::pkcs11

#endif
