// The listings of README's "Engines" and of docs/engines.md are those of engines.c, word for word, and they work.
#include <gtest/gtest.h>
#include <openssl/rsa.h>

#include <string>
#include <vector>

#include "tests/docs/engines.h"
#include "tests/docs/page.h"
#include "tests/support/pair.h"

namespace {

bool is_gone = false;
int freed = 0;

}  // namespace

// A device that is OpenSSL, and its handle a private key.
size_t my_device_sign(const OPENSSL_SIGN* s, const unsigned char* digest, size_t len) {
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(static_cast<EVP_PKEY*>(s->handle), nullptr);
  size_t written = s->signature_size;
  const bool is_pss = s->padding == RSA_PKCS1_PSS_PADDING;
  const bool done = !is_gone && EVP_PKEY_sign_init(context) > 0 &&
                    EVP_PKEY_CTX_set_signature_md(context, EVP_get_digestbyname(s->digest)) > 0 &&
                    (!s->padding || EVP_PKEY_CTX_set_rsa_padding(context, s->padding) > 0) &&
                    (!is_pss || EVP_PKEY_CTX_set_rsa_pss_saltlen(context, s->salt_length) > 0) &&
                    EVP_PKEY_sign(context, s->signature, &written, digest, len) > 0;
  EVP_PKEY_CTX_free(context);
  return done ? written : 0;
}

void my_free(void*) { ++freed; }

namespace openssl_event::testing {
namespace {

std::vector<std::string> listings(const std::string& page) {
  std::vector<std::string> code;
  for (const Excerpt& excerpt : excerpts_of(read_source(page)))
    if (excerpt.path == "tests/docs/engines.c") code.push_back(excerpt.code);
  return code;
}

TEST(EngineListings, AreTheCompiledCode) {
  const std::string source = read_source("tests/docs/engines.c");
  for (const char* page : {"README.md", "docs/engines.md"}) {
    EXPECT_EQ(listings(page).size(), 2u) << page;
    for (const std::string& code : listings(page)) EXPECT_NE(source.find("\n" + code), std::string::npos) << page << code;
  }
}

TEST(EngineListings, SignByADevice) {
  for (KeyType type : {KeyType::kRsa, KeyType::kEcP256})
    for (int version : {TLS1_2_VERSION, TLS1_3_VERSION})
      for (bool gone : {false, true}) {
        is_gone = gone;
        freed = 0;
        Pair pair(version, type);
        const Key key(key_in_my_device(shared_certificate(type), shared_key(type)));
        ASSERT_EQ(SSL_CTX_use_PrivateKey(pair.server_context.get(), key.get()), 1);
        auto client = pair.plain_client();
        auto server = pair.machine_server();
        carry(*client, *server);
        EXPECT_EQ(client->established(), !gone) << key_type_name(type) << version;
        const std::string text = server->failure() ? server->failure()->text : "";
        EXPECT_EQ(text.find("the device is gone") != std::string::npos, gone) << text;
        EXPECT_EQ(freed, 0);
      }
  EXPECT_EQ(freed, 1);
}

// That it signs there is for tests/engine_pkcs11.
TEST(EngineListings, UseAKeyInAToken) {
  Pair pair;
  EXPECT_EQ(use_key_in_token(pair.server_context.get(), shared_certificate(KeyType::kEcP256)), 1);
}

}  // namespace
}  // namespace openssl_event::testing
