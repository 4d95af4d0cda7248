#include "engine_pkcs11/mechanism.h"

#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <cstring>
#include <memory>

namespace openssl_event::pkcs11 {
namespace {

struct Digest {
  int nid;
  CK_MECHANISM_TYPE mechanism;
  unsigned long mgf;  // CKG_MGF1_*
};
constexpr Digest kDigests[] = {{NID_sha1, CKM_SHA_1, CKG_MGF1_SHA1},
                               {NID_sha224, CKM_SHA224, CKG_MGF1_SHA224},
                               {NID_sha256, CKM_SHA256, CKG_MGF1_SHA256},
                               {NID_sha384, CKM_SHA384, CKG_MGF1_SHA384},
                               {NID_sha512, CKM_SHA512, CKG_MGF1_SHA512}};

const Digest* find_digest(const char* name) {
  const int nid = name ? OBJ_sn2nid(name) : NID_undef;
  for (const Digest& digest : kDigests)
    if (digest.nid == nid) return &digest;
  return nullptr;
}

struct Free {
  void operator()(X509_SIG* info) const { X509_SIG_free(info); }
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(unsigned char* bytes) const { OPENSSL_free(bytes); }
};

// DigestInfo (RFC 8017 9.2): what CKM_RSA_PKCS pads and signs. MD5-SHA1 of TLS 1.1 has none (RFC 4346 7.4.3).
bool wrap_digest(const char* name, std::vector<unsigned char>& input) {
  const int nid = OBJ_sn2nid(name);
  if (nid == NID_md5_sha1) return true;
  const std::unique_ptr<X509_SIG, Free> info(X509_SIG_new());
  if (!info || nid == NID_undef) return false;
  X509_ALGOR* algorithm = nullptr;
  ASN1_OCTET_STRING* digest = nullptr;
  X509_SIG_getm(info.get(), &algorithm, &digest);
  unsigned char* der = nullptr;
  if (!X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid), V_ASN1_NULL, nullptr) ||
      !ASN1_OCTET_STRING_set(digest, input.data(), static_cast<int>(input.size())))
    return false;
  const int len = i2d_X509_SIG(info.get(), &der);
  const std::unique_ptr<unsigned char, Free> owned(der);
  if (len <= 0) return false;
  input.assign(der, der + len);
  return true;
}

bool prepare_pss(const OPENSSL_SIGN& operands, Work& work) {
  const Digest* digest = find_digest(operands.digest);
  const Digest* mgf1 = find_digest(operands.mgf1_digest);
  if (!digest || !mgf1) return false;
  work.pss = {digest->mechanism, mgf1->mgf, static_cast<unsigned long>(operands.salt_length)};
  work.mechanism = {CKM_RSA_PKCS_PSS, &work.pss, sizeof work.pss};
  return true;
}

// PureEdDSA (RFC 8032), which hashes by itself.
bool prepare_eddsa(const OPENSSL_SIGN& operands, Work& work) {
  work.mechanism.mechanism = CKM_EDDSA;
  work.input.assign(operands.tbs, operands.tbs + operands.tbs_len);
  return true;
}

bool put(OPENSSL_SIGN& operands, const unsigned char* signature, std::size_t len) {
  if (len == 0 || len > operands.signature_size) return false;
  std::memcpy(operands.signature, signature, len);
  operands.signature_len = len;
  return true;
}

bool put_der(OPENSSL_SIGN& operands, const ECDSA_SIG* signature) {
  unsigned char* der = nullptr;
  const int len = i2d_ECDSA_SIG(signature, &der);
  const std::unique_ptr<unsigned char, Free> owned(der);
  return len > 0 && put(operands, der, static_cast<std::size_t>(len));
}

}  // namespace

// The operands tell the type of the key; EVP_PKEY_is_a says no when it has no memory.
bool prepare_sign(OPENSSL_EVENT* e, Work& work) {
  const OPENSSL_SIGN& operands = e->e.u.s;
  if (!operands.digest) return prepare_eddsa(operands, work);
  unsigned char digest[EVP_MAX_MD_SIZE];
  std::size_t len = 0;
  if (!openssl_hashOperand(e, digest, &len)) return false;
  work.input.assign(digest, digest + len);
  switch (operands.padding) {
    case RSA_PKCS1_PADDING: work.mechanism.mechanism = CKM_RSA_PKCS; return wrap_digest(operands.digest, work.input);
    case RSA_PKCS1_PSS_PADDING: return prepare_pss(operands, work);
    case 0: work.mechanism.mechanism = CKM_ECDSA; return true;
    default: return false;
  }
}

// Raw: with CKM_RSA_PKCS the token would tell, by its answer and its time, whether the padding was good.
void prepare_decrypt(const OPENSSL_DECRYPT& operands, Work& work) {
  work.mechanism.mechanism = CKM_RSA_X_509;
  work.input.assign(operands.ciphertext, operands.ciphertext + operands.ciphertext_len);
}

bool finish_sign(OPENSSL_SIGN& operands, const Work& work, const unsigned char* signature, std::size_t len) {
  if (work.mechanism.mechanism != CKM_ECDSA) return put(operands, signature, len);
  if (len == 0 || len % 2 != 0) return false;
  const auto half = static_cast<int>(len / 2);
  const std::unique_ptr<ECDSA_SIG, Free> pair(ECDSA_SIG_new());
  std::unique_ptr<BIGNUM, Free> r(BN_bin2bn(signature, half, nullptr)), s(BN_bin2bn(signature + half, half, nullptr));
  if (!pair || !r || !s || !ECDSA_SIG_set0(pair.get(), r.get(), s.get())) return false;
  r.release();
  s.release();
  return put_der(operands, pair.get());
}

}  // namespace openssl_event::pkcs11
