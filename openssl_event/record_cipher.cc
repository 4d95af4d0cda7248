#include "openssl_event/record_cipher.h"

#include <openssl/core_names.h>
#include <openssl/provider.h>

#include <bit>
#include <cstring>

#include "openssl_event/openssl_event.h"

namespace openssl_event {
namespace {

constexpr std::size_t kHeader = OPENSSL_RECORD_HEADER_SIZE;
// Cleartext up to this length is copied into its record and sealed there: the calls that this saves cost more than the
// copy. In TLS 1.3 the one for the type byte; for TLS 1.2 see seal_tls12().
constexpr std::size_t kCopiedTls13 = 1024;
constexpr std::size_t kCopiedTls12 = 4096;

void store_big_endian(std::uint64_t value, unsigned char* bytes) noexcept {
  if constexpr (std::endian::native == std::endian::little) value = __builtin_bswap64(value);
  std::memcpy(bytes, &value, sizeof value);
}

void write_header(unsigned char type, std::size_t fragment, unsigned char* record) noexcept {
  record[0] = type;
  record[1] = 3;
  record[2] = 3;
  record[3] = static_cast<unsigned char>(fragment >> 8);
  record[4] = static_cast<unsigned char>(fragment);
}

bool update(EVP_CIPHER_CTX* context, unsigned char* out, const void* in, std::size_t size) noexcept {
  int len = 0;
  return size == 0 ||
         EVP_CipherUpdate(context, out, &len, static_cast<const unsigned char*>(in), static_cast<int>(size)) > 0;
}

// EVP_Cipher() must not be used for this (whole records of TLS 1.2 are another matter): with ChaCha20-Poly1305 some
// OpenSSL 3.0 check and make no tag there.
bool finish(EVP_CIPHER_CTX* context, unsigned char* out) noexcept {
  int len = 0;
  return EVP_CipherFinal_ex(context, out, &len) > 0;
}

bool take_tag(EVP_CIPHER_CTX* context, unsigned char* tag) noexcept {
  OSSL_PARAM parameters[] = {OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, kTagSize), OSSL_PARAM_END};
  return EVP_CIPHER_CTX_get_params(context, parameters) > 0;
}

// Of OpenSSL's own ciphers it is known how they take nonces and tell failures. Others, and an engine's, which has no
// provider and gets what it is the default for, stay with libssl: the records are the same.
bool is_openssls_own(const EVP_CIPHER_CTX* context) noexcept {
  const OSSL_PROVIDER* provider = EVP_CIPHER_get0_provider(EVP_CIPHER_CTX_get0_cipher(context));
  const char* name = provider ? OSSL_PROVIDER_get0_name(provider) : "";
  return std::strcmp(name, "default") == 0 || std::strcmp(name, "fips") == 0;
}

// AES-GCM takes a whole nonce as a "fixed IV" of length -1: libcrypto's own since 1.0.1, and OpenSSH's way.
OSSL_PARAM whole_nonce(unsigned char* nonce) noexcept {
  return OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_IV_FIXED, nonce, static_cast<std::size_t>(-1));
}

// In OpenSSL 3.0 that takes half the time of EVP_CipherInit_ex2(), which asks the cipher for lengths there; in later
// ones twice its time. Tried out, since a cipher that ignored a nonce would repeat one.
bool takes_whole_nonce(EVP_CIPHER_CTX* context) noexcept {
  unsigned char nonce[kIvSize] = {1, 2, 3}, taken[kIvSize] = {};
  const OSSL_PARAM parameters[] = {whole_nonce(nonce), OSSL_PARAM_END};
  return OPENSSL_version_major() == 3 && OPENSSL_version_minor() == 0 &&
         EVP_CIPHER_CTX_get_mode(context) == EVP_CIPH_GCM_MODE && EVP_CIPHER_CTX_set_params(context, parameters) > 0 &&
         EVP_CIPHER_CTX_get_updated_iv(context, taken, kIvSize) > 0 && std::memcmp(nonce, taken, kIvSize) == 0;
}

}  // namespace

std::uint64_t load_big_endian(const unsigned char* bytes) noexcept {
  std::uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  if constexpr (std::endian::native == std::endian::little) value = __builtin_bswap64(value);
  return value;
}

bool is_whole_record(const unsigned char* record, std::size_t size) noexcept {
  return size >= kHeader && record[1] == 3 && record[2] == 3 &&
         size == kHeader + (std::size_t{record[3]} << 8 | record[4]);
}

bool RecordCipher::begin(const RecordSuite& suite, const RecordKey& key, Use use) noexcept {
  EVP_CIPHER_CTX_free(context_);
  tls13_ = suite.tls13;
  explicit_nonce_ = suite.explicit_nonce;
  std::memcpy(iv_, key.iv, kIvSize);
  iv_tail_ = load_big_endian(iv_ + kSaltSize);
  counts_ = false;
  context_ = EVP_CIPHER_CTX_new();
  if (context_ && EVP_CipherInit_ex2(context_, suite.cipher, key.key, nullptr, use == Use::seal, nullptr) > 0 &&
      is_openssls_own(context_)) {
    nonce_by_parameter_ = takes_whole_nonce(context_);
    if (tls13_ || use == Use::seal || set_fixed_iv()) return true;
  }
  EVP_CIPHER_CTX_free(context_);
  context_ = nullptr;
  return false;
}

// For whole records of TLS 1.2; holds until start().
bool RecordCipher::set_fixed_iv() noexcept {
  const std::size_t size = explicit_nonce_ ? kSaltSize : kIvSize;
  const OSSL_PARAM parameters[] = {OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_IV_FIXED, iv_, size),
                                   OSSL_PARAM_END};
  return EVP_CIPHER_CTX_set_params(context_, parameters) > 0;
}

// RFC 8446 5.3 and RFC 7905 2: the IV with the sequence number added by exclusive or. RFC 5288 3: salt and explicit
// part.
struct RecordCipher::Nonce {
  unsigned char bytes[kIvSize];

  Nonce(const RecordCipher& cipher, const RecordNumber& number) noexcept {
    std::memcpy(bytes, cipher.iv_, kSaltSize);
    store_big_endian(cipher.explicit_nonce_ ? number.explicit_nonce : cipher.iv_tail_ ^ number.sequence,
                     bytes + kSaltSize);
  }
};

// TLS 1.3 authenticates the header as it is on the wire, TLS 1.2 the number and the header with the length of the
// contents.
struct RecordCipher::AdditionalData {
  unsigned char bytes[8 + kHeader];
  std::size_t size;

  AdditionalData(bool tls13, const RecordNumber& number, const unsigned char* header, std::size_t inner) noexcept {
    if (tls13) {
      std::memcpy(bytes, header, kHeader);
      size = kHeader;
    } else {
      store_big_endian(number.sequence, bytes);
      write_header(header[0], inner, bytes + 8);
      size = sizeof bytes;
    }
  }
};

// With the tag, to open.
bool RecordCipher::set_nonce(const RecordNumber& number, unsigned char* tag) noexcept {
  Nonce nonce(*this, number);
  OSSL_PARAM parameters[3] = {};
  std::size_t count = 0;
  if (nonce_by_parameter_) parameters[count++] = whole_nonce(nonce.bytes);
  if (tag) parameters[count++] = OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, kTagSize);
  return (nonce_by_parameter_ || EVP_CipherInit_ex2(context_, nullptr, nullptr, nonce.bytes, -1, nullptr) > 0) &&
         (count == 0 || EVP_CIPHER_CTX_set_params(context_, parameters) > 0);
}

bool RecordCipher::start(const RecordNumber& number, const unsigned char* header, std::size_t inner) noexcept {
  const AdditionalData data(tls13_, number, header, inner);
  counts_ = false;
  return set_nonce(number, nullptr) && update(context_, nullptr, data.bytes, data.size);
}

bool RecordCipher::seal(const RecordNumber& number, unsigned char type, const Slice* slices, std::size_t count,
                        std::size_t size, unsigned char* record) noexcept {
  const std::size_t inner = size + (tls13_ ? kTypeByte : 0);
  write_header(tls13_ ? kApplicationData : type, prefix() + inner + kTagSize, record);
  const bool copies = size <= (tls13_ ? kCopiedTls13 : kCopiedTls12);
  if (copies ? seal_copy(number, type, slices, count, record, inner)
             : seal_slices(number, type, slices, count, record, inner))
    return true;
  OPENSSL_cleanse(record + kHeader, prefix() + inner);
  return false;
}

bool RecordCipher::seal_copy(const RecordNumber& number, unsigned char type, const Slice* slices, std::size_t count,
                             unsigned char* record, std::size_t inner) noexcept {
  unsigned char* out = record + kHeader + prefix();
  for (std::size_t i = 0; i < count; out += slices[i++].size) std::memcpy(out, slices[i].data, slices[i].size);
  if (tls13_) *out = type;
  return seal_again(number, record, inner);
}

bool RecordCipher::seal_slices(const RecordNumber& number, unsigned char type, const Slice* slices, std::size_t count,
                               unsigned char* record, std::size_t inner) noexcept {
  if (!start(number, record, inner)) return false;
  unsigned char* out = record + kHeader;
  if (explicit_nonce_) store_big_endian(number.explicit_nonce, out);
  out += prefix();
  for (std::size_t i = 0; i < count; out += slices[i++].size)
    if (!update(context_, out, slices[i].data, slices[i].size)) return false;
  if (tls13_ && !update(context_, out++, &type, kTypeByte)) return false;
  return finish(context_, out) && take_tag(context_, out);
}

bool RecordCipher::seal_again(const RecordNumber& number, unsigned char* record, std::size_t inner) noexcept {
  if (!tls13_) return seal_tls12(number, record, inner);
  unsigned char* const text = record + kHeader;
  return start(number, record, inner) && update(context_, text, text, inner) && finish(context_, text + inner) &&
         take_tag(context_, text + inner);
}

// The cipher knows the records of TLS 1.2: nonce, text and tag in one call. With OpenSSL 3.0 that saves 100 ns.
bool RecordCipher::seal_tls12(const RecordNumber& number, unsigned char* record, std::size_t inner) noexcept {
  AdditionalData data(false, number, record, prefix() + inner);
  const OSSL_PARAM parameters[] = {OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_AAD, data.bytes, data.size),
                                   OSSL_PARAM_END};
  unsigned char* const fragment = record + kHeader;
  const std::size_t size = prefix() + inner + kTagSize;
  return count_from(number) && EVP_CIPHER_CTX_set_params(context_, parameters) > 0 &&
         EVP_Cipher(context_, fragment, fragment, static_cast<unsigned>(size)) >= 0 &&
         (!explicit_nonce_ || load_big_endian(fragment) == number.explicit_nonce);
}

// The cipher makes the nonces: explicit ones (RFC 5288 3) by counting, and writes them into the records.
bool RecordCipher::count_from(const RecordNumber& number) noexcept {
  if (!counts_ || (explicit_nonce_ && next_nonce_ != number.explicit_nonce)) {
    Nonce nonce(*this, number);
    const OSSL_PARAM parameters[] = {whole_nonce(nonce.bytes), OSSL_PARAM_END};
    counts_ = explicit_nonce_ ? EVP_CIPHER_CTX_set_params(context_, parameters) > 0 : set_fixed_iv();
  }
  next_nonce_ = number.explicit_nonce + 1;
  return counts_;
}

// In one call as well, which does check the tag. Half the time of open_tls13() for short records.
bool RecordCipher::open_tls12(std::uint64_t sequence, unsigned char* record, std::size_t size) noexcept {
  AdditionalData data(false, {sequence, 0}, record, size - kHeader);
  const OSSL_PARAM parameters[] = {OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_AAD, data.bytes, data.size),
                                   OSSL_PARAM_END};
  unsigned char* fragment = record + kHeader;
  return EVP_CIPHER_CTX_set_params(context_, parameters) > 0 &&
         EVP_Cipher(context_, fragment, fragment, static_cast<unsigned>(size - kHeader)) >= 0;
}

bool RecordCipher::open_tls13(std::uint64_t sequence, const unsigned char* record, const Opened& opened) noexcept {
  unsigned char nothing[kTagSize];
  return set_nonce({sequence, 0}, opened.data + opened.inner) && update(context_, nullptr, record, kHeader) &&
         update(context_, opened.data, opened.data, opened.inner) && finish(context_, nothing);
}

namespace {

// TLSInnerPlaintext (RFC 8446 5.2): contents, their type, zeros.
void find_contents(Opened& opened) noexcept {
  std::size_t size = opened.inner;
  while (size > 0 && opened.data[size - 1] == 0) --size;
  opened.type = size > 0 ? opened.data[size - 1] : 0;
  opened.size = size > 0 ? size - 1 : 0;
}

}  // namespace

bool RecordCipher::open(std::uint64_t sequence, unsigned char* record, std::size_t size, Opened& opened) noexcept {
  const std::size_t before = kHeader + prefix();
  if (size < before + kTagSize) return false;
  opened.data = record + before;
  opened.inner = opened.size = size - before - kTagSize;
  opened.type = record[0];
  if (tls13_ ? open_tls13(sequence, record, opened) : open_tls12(sequence, record, size)) {
    if (tls13_) find_contents(opened);
    return true;
  }
  OPENSSL_cleanse(opened.data, opened.inner);
  return false;
}

}  // namespace openssl_event
