// The token with the key: modules, the slot, and sessions for those who want one.
#ifndef ENGINE_PKCS11_TOKEN_H
#define ENGINE_PKCS11_TOKEN_H

#include <p11-kit/p11-kit.h>
#include <unistd.h>

#include <mutex>
#include <shared_mutex>
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
  ~Token() { close(); }
  Token(const Token&) = delete;
  Token& operator=(const Token&) = delete;

  pid_t process() const noexcept { return process_; }

  // A session with the key in it, the caller's until it is given back or dropped.
  Failure take(Session& session);
  void give_back(const Session& session) noexcept;
  // It has failed: the token may have gone.
  void drop(const Session& session) noexcept;
  // Waits for all that are taken, and gives no more.
  void close() noexcept;

 private:
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
  std::shared_mutex in_use_;  // held shared from take() to give_back() or drop(), exclusively to close
  std::mutex opening_;        // guards all below
  std::vector<CK_FUNCTION_LIST*> modules_;
  std::vector<Session> idle_;
  std::string refused_pin_;
  bool closed_ = false;
};

}  // namespace openssl_event::pkcs11

#endif
