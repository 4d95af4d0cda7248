#include "engine_pkcs11/key.h"

#include <openssl/crypto.h>

#include <cstdio>
#include <new>

#include "engine_pkcs11/mechanism.h"
#include "engine_pkcs11/module_call.h"

namespace openssl_event::pkcs11 {
namespace {

// Whether the session, or the token, may have gone: then another session may do. After an error of the call itself it won't.
bool is_lost(CK_RV value) noexcept {
  switch (value) {
    case CKR_SESSION_HANDLE_INVALID:
    case CKR_SESSION_CLOSED:
    case CKR_USER_NOT_LOGGED_IN:
    case CKR_OBJECT_HANDLE_INVALID:
    case CKR_KEY_HANDLE_INVALID:
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_TOKEN_NOT_RECOGNIZED:
    case CKR_DEVICE_REMOVED:
    case CKR_DEVICE_ERROR:
    case CKR_SLOT_ID_INVALID:
    case CKR_GENERAL_ERROR:
    case CKR_CRYPTOKI_NOT_INITIALIZED: return true;
    default: return false;
  }
}

// What a token says of a ciphertext: no failure, but a premaster secret that is not good.
bool is_of_the_ciphertext(CK_RV value) noexcept {
  return value == CKR_ENCRYPTED_DATA_INVALID || value == CKR_ENCRYPTED_DATA_LEN_RANGE || value == CKR_DATA_INVALID ||
         value == CKR_DATA_LEN_RANGE || value == CKR_FUNCTION_FAILED;
}

CK_RV sign(const Session& session, Work& work, OPENSSL_SIGN& operands) {
  CK_RV value = session.module->C_SignInit(session.handle, &work.mechanism, session.key);
  if (value != CKR_OK) return value;
  std::vector<unsigned char> signature(operands.signature_size);
  CK_ULONG len = signature.size();
  value = session.module->C_Sign(session.handle, work.input.data(), work.input.size(), signature.data(), &len);
  if (value != CKR_OK) return value;
  return finish_sign(operands, work, signature.data(), len) ? CKR_OK : CKR_FUNCTION_FAILED;
}

CK_RV decrypt(const Session& session, Work& work, OPENSSL_DECRYPT& operands) {
  CK_RV value = session.module->C_DecryptInit(session.handle, &work.mechanism, session.key);
  if (value != CKR_OK) return value;
  CK_ULONG len = operands.message_size;
  value = session.module->C_Decrypt(session.handle, work.input.data(), work.input.size(), operands.message, &len);
  operands.message_len = value == CKR_OK ? len : 0;
  return is_of_the_ciphertext(value) ? CKR_OK : value;
}

CK_RV use(const Session& session, Work& work, OPENSSL_EVENT* e) noexcept try {
  return e->e.optype == OPENSSL_OPERATION_SIGN ? sign(session, work, e->e.u.s) : decrypt(session, work, e->e.u.d);
} catch (const std::bad_alloc&) {
  return CKR_HOST_MEMORY;
}

bool is_of_this_process(const Token* token) noexcept { return token && token->process() == getpid(); }

bool fail(OPENSSL_EVENT* e, const Failure& failure) noexcept {
  char reason[200];
  std::snprintf(reason, sizeof reason, "pkcs11: %s: %s", failure.what, p11_kit_strerror(failure.value));
  openssl_failCall(e, reason);
  return false;
}

}  // namespace

Token& Key::token() {
  Token* current = token_.load(std::memory_order_acquire);
  if (is_of_this_process(current)) return *current;
  auto* made = new Token(uri_);
  if (token_.compare_exchange_strong(current, made, std::memory_order_acq_rel)) return *made;
  delete made;
  return *current;
}

void Key::refuse() noexcept {
  closed_ = true;
  Token* current = token_.load(std::memory_order_acquire);
  if (is_of_this_process(current)) current->refuse();
}

void Key::close(std::chrono::steady_clock::time_point deadline) noexcept {
  Token* current = token_.load(std::memory_order_acquire);
  if (is_of_this_process(current)) current->close(deadline);
}

bool Key::execute(OPENSSL_EVENT* e) {
  const bool signs = e->e.optype == OPENSSL_OPERATION_SIGN;
  Work work;
  if (signs ? !prepare_sign(e, work) : e->e.optype != OPENSSL_OPERATION_DECRYPT)
    return fail(e, {CKR_MECHANISM_INVALID, "choosing a mechanism"});
  if (!signs) prepare_decrypt(e->e.u.d, work);
  const ModuleCall call;
  Failure failure;
  if (closed_) return fail(e, {CKR_CRYPTOKI_NOT_INITIALIZED, "using the token while the program ends"});
  for (int tries = 0; tries < 2; ++tries) {
    Session session;
    failure = token().take(session);
    if (failure.failed()) break;
    const CK_RV value = use(session, work, e);
    if (value == CKR_OK) {
      token().give_back(session);
      return openssl_completeCall(e);
    }
    failure = {value, signs ? "signing" : "decrypting"};
    token().drop(session);
    if (!is_lost(value)) break;
  }
  return fail(e, failure);
}

int Key::call(OPENSSL_EVENT* e) noexcept {
  const bool signs = e->e.optype == OPENSSL_OPERATION_SIGN;
  auto* key = static_cast<Key*>(signs ? e->e.u.s.handle : e->e.u.d.handle);
  try {
    return key->execute(e);
  } catch (const std::bad_alloc&) {
    openssl_failCall(e, "pkcs11: out of memory");
    return 0;
  }
}

}  // namespace openssl_event::pkcs11
