// For engines that sign digests only.
#include <openssl/err.h>
#include <openssl/evp.h>

#include <cstring>

#include "openssl_event/openssl_event.h"

namespace {

int refuse(const char* why) noexcept {
  ERR_raise_data(ERR_LIB_USER, ERR_R_PASSED_INVALID_ARGUMENT, "openssl_hashOperand: %s", why);
  return 0;
}

// OPENSSL_SIGN and OPENSSL_VERIFY name these alike.
template <typename Operands>
int hash(const Operands& operands, unsigned char* digest, size_t* len) noexcept {
  if (operands.prehashed) {
    if (operands.tbs_len > EVP_MAX_MD_SIZE) return refuse("longer than a digest");
    std::memcpy(digest, operands.tbs, operands.tbs_len);
    *len = operands.tbs_len;
    return 1;
  }
  if (!operands.digest) return refuse("the algorithm takes the whole message");
  return EVP_Q_digest(nullptr, operands.digest, nullptr, operands.tbs, operands.tbs_len, digest, len);
}

}  // namespace

int openssl_hashOperand(const OPENSSL_EVENT* e, unsigned char* digest, size_t* len) {
  switch (e->e.optype) {
    case OPENSSL_OPERATION_SIGN: return hash(e->e.u.s, digest, len);
    case OPENSSL_OPERATION_VERIFY: return hash(e->e.u.v, digest, len);
    default: return refuse("no SIGN or VERIFY");
  }
}
