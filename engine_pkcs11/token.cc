#include "engine_pkcs11/token.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <thread>
#include <utility>

#include "engine_pkcs11/module_call.h"

namespace openssl_event::pkcs11 {
namespace {

constexpr Failure kDone = {};

// Overwrites a PIN when it is no longer needed.
struct Secret {
  std::string text;
  ~Secret() { OPENSSL_cleanse(text.data(), text.size()); }
};

}  // namespace

// That of a parent is left as it was at the fork.
Token::~Token() {
  const ModuleCall call;
  if (process_ == getpid()) unload();
}

bool Token::enter() noexcept {
  if ((users_.fetch_add(1, std::memory_order_acq_rel) & kClosed) == 0) return true;
  leave();
  return false;
}

Failure Token::take(Session& session) try {
  if (!enter()) return {CKR_CRYPTOKI_NOT_INITIALIZED, "using the token while the program ends"};
  const std::lock_guard lock(opening_);
  if (idle_.empty()) {
    const Failure failure = open(session);
    if (failure.failed()) leave();
    return failure;
  }
  session = idle_.back();
  idle_.pop_back();
  return kDone;
} catch (const std::bad_alloc&) {
  leave();
  throw;
}

void Token::give_back(const Session& session) noexcept {
  try {
    const std::lock_guard lock(opening_);
    idle_.push_back(session);
  } catch (const std::bad_alloc&) {
    session.module->C_CloseSession(session.handle);
  }
  leave();
}

// With it go the others: when the token has gone, so have they.
void Token::drop(const Session& session) noexcept {
  {
    const std::lock_guard lock(opening_);
    session.module->C_CloseSession(session.handle);
    for (const Session& other : std::exchange(idle_, {})) other.module->C_CloseSession(other.handle);
  }
  leave();
}

// A call that does not come back keeps its module as it is: better than a process that does not end.
void Token::close(std::chrono::steady_clock::time_point deadline) noexcept {
  refuse();
  while (users_.load(std::memory_order_acquire) != kClosed) {
    if (std::chrono::steady_clock::now() >= deadline) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  unload();
}

void Token::load_modules() {
  if (const char* path = uri_.module_path()) {
    if (CK_FUNCTION_LIST* module = p11_kit_module_load(path, 0)) modules_.push_back(module);
  } else if (CK_FUNCTION_LIST** configured = p11_kit_modules_load(nullptr, 0)) {
    for (CK_FUNCTION_LIST** module = configured; *module; ++module) modules_.push_back(*module);
    std::free(configured);
  }
}

// At exit a module's destructors run before all that was registered before it was loaded. So a module is loaded once for the
// life of the process, and after that the end of its sessions is registered.
void Token::keep_modules() {
  static std::mutex mutex;
  static std::vector<std::string> kept;
  const char* path = uri_.module_path();
  const std::string name = path ? path : "";
  const std::lock_guard lock(mutex);
  if (std::find(kept.begin(), kept.end(), name) != kept.end()) return;
  load_modules();
  if (modules_.empty()) return;
  modules_.clear();  // never released
  kept.push_back(name);
  if (std::atexit(close_all_keys) != 0) throw std::bad_alloc();
}

Failure Token::load() {
  keep_modules();
  load_modules();
  std::erase_if(modules_, [](CK_FUNCTION_LIST* module) {
    if (p11_kit_module_initialize(module) == CKR_OK) return false;
    p11_kit_module_release(module);
    return true;
  });
  return modules_.empty() ? Failure{CKR_GENERAL_ERROR, "loading the module"} : kDone;
}

void Token::unload() noexcept {
  for (const Session& session : std::exchange(idle_, {})) session.module->C_CloseSession(session.handle);
  for (CK_FUNCTION_LIST* module : std::exchange(modules_, {})) {
    p11_kit_module_finalize(module);
    p11_kit_module_release(module);
  }
}

// A token that has come back may be seen by a module only when it is initialised again: so nothing is kept of a failure.
Failure Token::open(Session& session) try {
  Failure failure = modules_.empty() ? load() : kDone;
  CK_SLOT_ID slot = 0;
  bool login = false;
  if (!failure.failed()) failure = find_slot(session.module, slot, login);
  if (!failure.failed()) {
    const CK_RV value = session.module->C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &session.handle);
    if (value != CKR_OK) {
      failure = {value, "opening a session"};
    } else {
      if (login) failure = log_in(session);
      if (!failure.failed()) failure = find_key(session);
      if (failure.failed()) session.module->C_CloseSession(session.handle);
    }
  }
  if (failure.failed()) unload();
  return failure;
} catch (const std::bad_alloc&) {
  unload();
  throw;
}

Failure Token::find_slot(CK_FUNCTION_LIST*& module, CK_SLOT_ID& slot, bool& login) {
  for (CK_FUNCTION_LIST* each : modules_) {
    CK_ULONG count = 0;
    if (each->C_GetSlotList(CK_TRUE, nullptr, &count) != CKR_OK) continue;
    std::vector<CK_SLOT_ID> slots(count);
    if (each->C_GetSlotList(CK_TRUE, slots.data(), &count) != CKR_OK) continue;
    slots.resize(count);
    for (CK_SLOT_ID candidate : slots) {
      CK_TOKEN_INFO info;
      if (each->C_GetTokenInfo(candidate, &info) != CKR_OK || !uri_.matches(info)) continue;
      module = each;
      slot = candidate;
      login = info.flags & CKF_LOGIN_REQUIRED;
      return kDone;
    }
  }
  return {CKR_TOKEN_NOT_PRESENT, "finding the token"};
}

// All sessions of a process share the login.
Failure Token::log_in(const Session& session) {
  Secret pin{uri_.pin()};
  if (!refused_pin_.empty() && pin.text == refused_pin_) return {CKR_PIN_INCORRECT, "logging in, as before"};
  auto* bytes = reinterpret_cast<unsigned char*>(pin.text.data());
  const CK_RV value = session.module->C_Login(session.handle, CKU_USER, bytes, pin.text.size());
  if (value == CKR_OK || value == CKR_USER_ALREADY_LOGGED_IN) return kDone;
  if (value == CKR_PIN_INCORRECT || value == CKR_PIN_LEN_RANGE) refused_pin_ = pin.text;
  return {value, "logging in"};
}

Failure Token::find_key(Session& session) {
  CK_ULONG count = 0;
  const CK_ATTRIBUTE* named = uri_.attributes(&count);
  std::vector<CK_ATTRIBUTE> wanted(named, named + count);
  CK_OBJECT_CLASS object_class = CKO_PRIVATE_KEY;
  wanted.push_back({CKA_CLASS, &object_class, sizeof object_class});
  CK_RV value = session.module->C_FindObjectsInit(session.handle, wanted.data(), wanted.size());
  if (value != CKR_OK) return {value, "finding the key"};
  CK_ULONG found = 0;
  value = session.module->C_FindObjects(session.handle, &session.key, 1, &found);
  session.module->C_FindObjectsFinal(session.handle);
  if (value != CKR_OK) return {value, "finding the key"};
  return found == 1 ? kDone : Failure{CKR_KEY_HANDLE_INVALID, "finding the key: the token has none that the URI names"};
}

}  // namespace openssl_event::pkcs11
