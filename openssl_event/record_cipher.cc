#include "openssl_event/record_cipher.h"

#include <openssl/core_names.h>

#include <bit>
#include <cstring>

#include "openssl_event/openssl_event.h"

namespace openssl_event {
namespace {

constexpr std::size_t kHeader = OPENSSL_RECORD_HEADER_SIZE;
// Cleartext up to this length is copied into its record and sealed there in one call, with the type byte behind it:
// another call costs more than the copy.
constexpr std::size_t kCopied = 1024;

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

// EVP_Cipher() must not be used for this (open_tls12() is another matter): with ChaCha20-Poly1305 some OpenSSL 3.0
// check and make no tag there.
bool finish(EVP_CIPHER_CTX* context, unsigned char* out) noexcept {
  int len = 0;
  return EVP_CipherFinal_ex(context, out, &len) > 0;
}

bool take_tag(EVP_CIPHER_CTX* context, unsigned char* tag) noexcept {
  OSSL_PARAM parameters[] = {OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, kTagSize), OSSL_PARAM_END};
  return EVP_CIPHER_CTX_get_params(context, parameters) > 0;
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
  context_ = EVP_CIPHER_CTX_new();
  if (context_ && EVP_CipherInit_ex2(context_, suite.cipher, key.key, nullptr, use == Use::seal, nullptr) > 0 &&
      (tls13_ || use == Use::seal || set_fixed_iv()))
    return true;
  EVP_CIPHER_CTX_free(context_);
  context_ = nullptr;
  return false;
}

// Once, for open_tls12().
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

bool RecordCipher::start(const RecordNumber& number, const unsigned char* header, std::size_t inner) noexcept {
  const Nonce nonce(*this, number);
  const AdditionalData data(tls13_, number, header, inner);
  return EVP_CipherInit_ex2(context_, nullptr, nullptr, nonce.bytes, -1, nullptr) > 0 &&
         update(context_, nullptr, data.bytes, data.size);
}

bool RecordCipher::seal(const RecordNumber& number, unsigned char type, const Slice* slices, std::size_t count,
                        std::size_t size, unsigned char* record) noexcept {
  const std::size_t inner = size + (tls13_ ? kTypeByte : 0);
  const std::size_t prefix = explicit_nonce_ ? kExplicitNonceSize : 0;
  write_header(tls13_ ? kApplicationData : type, prefix + inner + kTagSize, record);
  if (explicit_nonce_) store_big_endian(number.explicit_nonce, record + kHeader);
  unsigned char* const text = record + kHeader + prefix;
  if (start(number, record, inner) &&
      (size <= kCopied ? seal_copy(type, slices, count, text, inner) : seal_slices(type, slices, count, text)) &&
      finish(context_, text + inner) && take_tag(context_, text + inner))
    return true;
  OPENSSL_cleanse(text, inner);
  return false;
}

bool RecordCipher::seal_copy(unsigned char type, const Slice* slices, std::size_t count, unsigned char* text,
                             std::size_t inner) noexcept {
  unsigned char* out = text;
  for (std::size_t i = 0; i < count; out += slices[i++].size) std::memcpy(out, slices[i].data, slices[i].size);
  if (tls13_) *out = type;
  return update(context_, text, text, inner);
}

bool RecordCipher::seal_slices(unsigned char type, const Slice* slices, std::size_t count,
                               unsigned char* out) noexcept {
  for (std::size_t i = 0; i < count; out += slices[i++].size)
    if (!update(context_, out, slices[i].data, slices[i].size)) return false;
  return !tls13_ || update(context_, out, &type, kTypeByte);
}

bool RecordCipher::seal_again(const RecordNumber& number, unsigned char* record, std::size_t inner) noexcept {
  unsigned char* text = record + kHeader;
  if (explicit_nonce_) {
    store_big_endian(number.explicit_nonce, text);
    text += kExplicitNonceSize;
  }
  return start(number, record, inner) && update(context_, text, text, inner) && finish(context_, text + inner) &&
         take_tag(context_, text + inner);
}

// The cipher knows the records of TLS 1.2: nonce, text and tag in one call, which does check the tag. Half the time of
// open_tls13() for short records.
bool RecordCipher::open_tls12(std::uint64_t sequence, unsigned char* record, std::size_t size) noexcept {
  AdditionalData data(false, {sequence, 0}, record, size - kHeader);
  const OSSL_PARAM parameters[] = {OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TLS1_AAD, data.bytes, data.size),
                                   OSSL_PARAM_END};
  unsigned char* fragment = record + kHeader;
  return EVP_CIPHER_CTX_set_params(context_, parameters) > 0 &&
         EVP_Cipher(context_, fragment, fragment, static_cast<unsigned>(size - kHeader)) >= 0;
}

bool RecordCipher::open_tls13(std::uint64_t sequence, const unsigned char* record, const Opened& opened) noexcept {
  const Nonce nonce(*this, {sequence, 0});
  unsigned char nothing[kTagSize];
  unsigned char* tag = opened.data + opened.inner;
  const OSSL_PARAM parameters[] = {OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, kTagSize), OSSL_PARAM_END};
  return EVP_CipherInit_ex2(context_, nullptr, nullptr, nonce.bytes, -1, nullptr) > 0 &&
         EVP_CIPHER_CTX_set_params(context_, parameters) > 0 && update(context_, nullptr, record, kHeader) &&
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
  const std::size_t prefix = kHeader + (explicit_nonce_ ? kExplicitNonceSize : 0);
  if (size < prefix + kTagSize) return false;
  opened.data = record + prefix;
  opened.inner = opened.size = size - prefix - kTagSize;
  opened.type = record[0];
  if (tls13_ ? open_tls13(sequence, record, opened) : open_tls12(sequence, record, size)) {
    if (tls13_) find_contents(opened);
    return true;
  }
  OPENSSL_cleanse(opened.data, opened.inner);
  return false;
}

}  // namespace openssl_event
