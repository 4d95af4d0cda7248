// What is sealed, beside a cipher that is begun anew for each record; and whose ciphers are taken.
#include <gtest/gtest.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/provider.h>

#include <cstring>
#include <memory>
#include <string>

#include "openssl_event/record_cipher.h"

namespace openssl_event::testing {
namespace {

struct FreeCipher {
  void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
};
using Cipher = std::unique_ptr<EVP_CIPHER, FreeCipher>;

Cipher fetch(const char* name, const char* properties = nullptr) {
  return Cipher(EVP_CIPHER_fetch(nullptr, name, properties));
}

RecordKey& key() {
  static RecordKey key;
  for (std::size_t i = 0; i < sizeof key.key; ++i) key.key[i] = static_cast<unsigned char>(i * 7);
  for (std::size_t i = 0; i < kIvSize; ++i) key.iv[i] = static_cast<unsigned char>(200 + i);
  return key;
}

std::string big_endian(std::uint64_t value, int size) {
  std::string bytes;
  for (int i = size - 1; i >= 0; --i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

// RFC 8446 5.2 and 5.3, RFC 5288 3, RFC 7905 2.
std::string sealed_by_the_book(const RecordSuite& suite, const RecordNumber& number, const std::string& contents) {
  std::string nonce(reinterpret_cast<const char*>(key().iv), kIvSize);
  const std::string sequence = big_endian(number.sequence, 8), explicit_nonce = big_endian(number.explicit_nonce, 8);
  for (std::size_t i = 0; i < 8; ++i)
    nonce[4 + i] = suite.explicit_nonce ? explicit_nonce[i] : static_cast<char>(nonce[4 + i] ^ sequence[i]);
  const std::string text = suite.tls13 ? contents + '\x17' : contents, type = "\x17\x03\x03";
  const std::string before = suite.explicit_nonce ? explicit_nonce : "";
  const std::string header = type + big_endian(before.size() + text.size() + kTagSize, 2);
  const std::string data = suite.tls13 ? header : sequence + type + big_endian(text.size(), 2);

  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  std::string out(text.size() + kTagSize, '\0');
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  const auto in = [](const std::string& s) { return reinterpret_cast<const unsigned char*>(s.data()); };
  int len = 0;
  EXPECT_EQ(EVP_EncryptInit_ex2(context, suite.cipher, key().key, in(nonce), nullptr), 1);
  EXPECT_EQ(EVP_EncryptUpdate(context, nullptr, &len, in(data), static_cast<int>(data.size())), 1);
  EXPECT_EQ(EVP_EncryptUpdate(context, bytes, &len, in(text), static_cast<int>(text.size())), 1);
  EXPECT_EQ(EVP_EncryptFinal_ex(context, bytes + text.size(), &len), 1);
  EXPECT_EQ(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagSize, bytes + text.size()), 1);
  EVP_CIPHER_CTX_free(context);
  return header + before + out;
}

void expect_by_the_book(const char* name, bool tls13, bool explicit_nonce) {
  const Cipher cipher = fetch(name);
  const RecordSuite suite = {cipher.get(), nullptr, 0, tls13, explicit_nonce, 0};
  RecordCipher sealer, opener;
  ASSERT_TRUE(sealer.begin(suite, key(), RecordCipher::Use::seal));
  ASSERT_TRUE(opener.begin(suite, key(), RecordCipher::Use::open));
  RecordNumber number = {5, 0xfffffffffffffff0};
  for (int i = 0; i < 300; ++i, ++number.sequence, number.explicit_nonce += i % 50 == 49 ? 3 : 1) {
    // Copied or not, in TLS 1.3 up to 1024 bytes, in 1.2 up to 4096.
    static constexpr std::size_t kSizes[] = {1, 100, 1024, 1025, 4096, 4097, 100, 16384, 2};
    const std::string contents(kSizes[static_cast<std::size_t>(i * i) % std::size(kSizes)], static_cast<char>(i));
    const Slice slices[] = {{contents.data(), contents.size() / 2},
                            {contents.data() + contents.size() / 2, contents.size() - contents.size() / 2}};
    std::string record(RecordCipher::sealed_size(suite, contents.size()), '\0');
    auto* bytes = reinterpret_cast<unsigned char*>(record.data());
    ASSERT_TRUE(sealer.seal(number, kApplicationData, slices, 2, contents.size(), bytes)) << i;
    ASSERT_TRUE(record == sealed_by_the_book(suite, number, contents)) << name << ", record " << i;
    Opened opened;
    ASSERT_TRUE(opener.open(number.sequence, bytes, record.size(), opened)) << i;
    ASSERT_TRUE(std::string(reinterpret_cast<char*>(opened.data), opened.size) == contents) << i;
  }
}

TEST(RecordCipher, SealsTls13ByTheBook) {
  expect_by_the_book("AES-128-GCM", true, false);
  expect_by_the_book("AES-256-GCM", true, false);
  expect_by_the_book("ChaCha20-Poly1305", true, false);
}

TEST(RecordCipher, SealsTls12ByTheBook) {
  expect_by_the_book("AES-128-GCM", false, true);
  expect_by_the_book("AES-256-GCM", false, true);
  expect_by_the_book("ChaCha20-Poly1305", false, false);
}

// ---- A provider whose AES-128-GCM does as it is told, and nothing ----

void* new_context(void*) { return new char; }
void free_context(void* context) { delete static_cast<char*>(context); }
int begin(void*, const unsigned char*, std::size_t, const unsigned char*, std::size_t, const OSSL_PARAM*) { return 1; }
int update(void*, unsigned char*, std::size_t*, std::size_t, const unsigned char*, std::size_t) { return 1; }
int finish(void*, unsigned char*, std::size_t*, std::size_t) { return 1; }
int set_parameters(void*, const OSSL_PARAM*) { return 1; }
int get_parameters(OSSL_PARAM* parameters) {
  const struct {
    const char* name;
    std::size_t value;
  } kValues[] = {{OSSL_CIPHER_PARAM_KEYLEN, 16}, {OSSL_CIPHER_PARAM_IVLEN, kIvSize}, {OSSL_CIPHER_PARAM_BLOCK_SIZE, 1}};
  for (const auto& [name, value] : kValues)
    if (OSSL_PARAM* p = OSSL_PARAM_locate(parameters, name)) OSSL_PARAM_set_size_t(p, value);
  if (OSSL_PARAM* p = OSSL_PARAM_locate(parameters, OSSL_CIPHER_PARAM_MODE)) OSSL_PARAM_set_uint(p, EVP_CIPH_GCM_MODE);
  return 1;
}

template <typename F>
OSSL_DISPATCH entry(int id, F* function) {
  return {id, reinterpret_cast<void (*)()>(function)};
}

const OSSL_ALGORITHM* ciphers(void*, int operation, int* no_cache) {
  static const OSSL_DISPATCH kFunctions[] = {entry(OSSL_FUNC_CIPHER_NEWCTX, new_context),
                                             entry(OSSL_FUNC_CIPHER_FREECTX, free_context),
                                             entry(OSSL_FUNC_CIPHER_ENCRYPT_INIT, begin),
                                             entry(OSSL_FUNC_CIPHER_DECRYPT_INIT, begin),
                                             entry(OSSL_FUNC_CIPHER_UPDATE, update),
                                             entry(OSSL_FUNC_CIPHER_FINAL, finish),
                                             entry(OSSL_FUNC_CIPHER_GET_PARAMS, get_parameters),
                                             entry(OSSL_FUNC_CIPHER_SET_CTX_PARAMS, set_parameters),
                                             {0, nullptr}};
  static const OSSL_ALGORITHM kCiphers[] = {{"AES-128-GCM", "provider=somebodys", kFunctions, nullptr},
                                            {nullptr, nullptr, nullptr, nullptr}};
  *no_cache = 0;
  return operation == OSSL_OP_CIPHER ? kCiphers : nullptr;
}

int begin_provider(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH*, const OSSL_DISPATCH** out, void** context) {
  static const OSSL_DISPATCH kFunctions[] = {entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, ciphers), {0, nullptr}};
  *out = kFunctions;
  *context = const_cast<OSSL_CORE_HANDLE*>(handle);
  return 1;
}

// How it takes nonces, and tells failures, is not known.
TEST(RecordCipher, OfAnotherProviderStaysWithLibssl) {
  ASSERT_EQ(OSSL_PROVIDER_add_builtin(nullptr, "somebodys", begin_provider), 1);
  OSSL_PROVIDER* provider = OSSL_PROVIDER_try_load(nullptr, "somebodys", 1);
  ASSERT_NE(provider, nullptr);
  {
    const Cipher cipher = fetch("AES-128-GCM", "provider=somebodys");
    ASSERT_NE(cipher, nullptr);
    for (const bool tls13 : {false, true}) {
      const RecordSuite suite = {cipher.get(), nullptr, 16, tls13, !tls13, 0};
      EXPECT_FALSE(RecordCipher().begin(suite, key(), RecordCipher::Use::seal));
      EXPECT_FALSE(RecordCipher().begin(suite, key(), RecordCipher::Use::open));
    }
  }
  OSSL_PROVIDER_unload(provider);
}

}  // namespace
}  // namespace openssl_event::testing
