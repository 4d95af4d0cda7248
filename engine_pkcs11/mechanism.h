// From the operands of a call to Cryptoki's mechanism and its input, and back.
#ifndef ENGINE_PKCS11_MECHANISM_H
#define ENGINE_PKCS11_MECHANISM_H

#include <p11-kit/pkcs11.h>

#include <cstddef>
#include <vector>

#include "openssl_event/openssl_event.h"

namespace openssl_event::pkcs11 {

// What C_Sign or C_Decrypt is called with.
struct Work {
  CK_MECHANISM mechanism = {};
  CK_RSA_PKCS_PSS_PARAMS pss = {};  // what the mechanism may point to
  std::vector<unsigned char> input;
};

// False: that is nothing for a token. May throw bad_alloc.
bool prepare_sign(OPENSSL_EVENT* e, Work& work);
void prepare_decrypt(const OPENSSL_DECRYPT& operands, Work& work);

// Cryptoki's signature as TLS wants it, in the operands: of ECDSA, r and s of equal length become DER. False: it is none.
bool finish_sign(OPENSSL_SIGN& operands, const Work& work, const unsigned char* signature, std::size_t len);

}  // namespace openssl_event::pkcs11

#endif
