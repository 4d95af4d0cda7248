// No call is out while a lock of OpenSSL's is held: whatever other threads do meanwhile gets done.
#include <openssl/pem.h>
#include <openssl/provider.h>

#include <chrono>
#include <future>

#include "tests/openssl_event/interposed.h"

namespace openssl_event::testing {
namespace {

constexpr auto kPatience = std::chrono::seconds(50);
constexpr auto kParked = std::chrono::seconds(1);  // each call, by the clock

X509* reload(X509* certificate, OSSL_LIB_CTX* library) {
  unsigned char* der = nullptr;
  const int len = i2d_X509(certificate, &der);
  const unsigned char* at = der;
  X509* copy = X509_new_ex(library, nullptr);
  EXPECT_NE(d2i_X509(&copy, &at, len), nullptr);
  OPENSSL_free(der);
  return copy;
}

void load_certificates_and_keys(OSSL_LIB_CTX* library, KeyType type) {
  X509* certificate = reload(shared_certificate(type), library);
  EXPECT_NE(X509_get0_pubkey(certificate), nullptr);
  EXPECT_EQ(X509_verify(certificate, X509_get0_pubkey(certificate)), 1);
  X509_free(certificate);
  BIO* pem = BIO_new(BIO_s_mem());
  EXPECT_EQ(PEM_write_bio_PrivateKey(pem, shared_key(type), nullptr, nullptr, 0, nullptr, nullptr), 1);
  EVP_PKEY* key = PEM_read_bio_PrivateKey_ex(pem, nullptr, nullptr, nullptr, library, nullptr);
  EXPECT_NE(key, nullptr);
  EVP_PKEY_free(key);
  BIO_free(pem);
}

void load_providers(OSSL_LIB_CTX* library) {
  OSSL_PROVIDER* provider = OSSL_PROVIDER_try_load(library, "null", 1);
  EXPECT_NE(provider, nullptr);
  OSSL_PROVIDER_unload(provider);
  for (const char* name : {"SHA256", "SHA3-384", "SHAKE-256"}) {
    EVP_MD* md = EVP_MD_fetch(library, name, "?ours=no");
    EXPECT_NE(md, nullptr);
    EVP_MD_free(md);
  }
}

void generate_keys(OSSL_LIB_CTX* library) {
  for (const char* curve : {"P-256", "P-384"}) {
    EVP_PKEY* key = EVP_PKEY_Q_keygen(library, nullptr, "EC", curve);
    EXPECT_NE(key, nullptr);
    EVP_PKEY_free(key);
  }
  EVP_PKEY* key = EVP_PKEY_Q_keygen(library, nullptr, "X25519");
  EXPECT_NE(key, nullptr);
  EVP_PKEY_free(key);
}

// With the contexts of the connection that waits.
void use_contexts(Interposed& interposed, KeyType type) {
  for (SSL_CTX* context : {interposed.pair.server_context.get(), interposed.pair.client_context.get()}) {
    EXPECT_EQ(SSL_CTX_use_certificate(context, shared_certificate(type)), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(context, shared_key(type)), 1);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), shared_certificate(type));
    SSL_free(SSL_new(context));
  }
}

void work_in_every_way(Interposed& interposed, OSSL_LIB_CTX* library, KeyType type) {
  for (OSSL_LIB_CTX* each : {library, static_cast<OSSL_LIB_CTX*>(nullptr)}) {
    load_certificates_and_keys(each, type);
    load_providers(each);
    generate_keys(each);
  }
  use_contexts(interposed, type);
  Interposed other(kExchanges[2], library);
  other.make_ends();
  carry(*other.client, *other.server);
  EXPECT_TRUE(other.client->established());
}

// How often others have done all of it while a call was out: until that has been out for as long as it shall be.
int work_meanwhile(Interposed& interposed, OSSL_LIB_CTX* library, KeyType type) {
  const auto end = std::chrono::steady_clock::now() + kParked;
  int rounds = 0;
  do {
    work_in_every_way(interposed, library, type);
    ++rounds;
  } while (std::chrono::steady_clock::now() < end);
  return rounds;
}

class Locks : public ::testing::TestWithParam<Exchange> {};

TEST_P(Locks, AreFreeWhileACallIsOut) {
  const Library library = make_offload_library();
  Interposed interposed(GetParam(), library.get());
  interposed.make_ends();
  int parked = 0;
  for (MachineEnd* end : {interposed.client.get(), interposed.server.get()})
    end->on_call = [&, end](OPENSSL_EVENT* e) {
      ++parked;
      auto others = std::async(std::launch::async, [&] { return work_meanwhile(interposed, library.get(), GetParam().key); });
      ASSERT_EQ(others.wait_for(kPatience), std::future_status::ready)
          << "blocked while a call is out: " << openssl_operationName(e->e.optype);
      EXPECT_GE(others.get(), 1);
      e->e.engine->call(e);
      openssl_putEvent(end->tls(), e);
    };
  carry(*interposed.client, *interposed.server);
  EXPECT_TRUE(interposed.client->established()) << (interposed.client->failure() ? interposed.client->failure()->text : "");
  EXPECT_GE(parked, 4 - (GetParam().group == nullptr));
}

INSTANTIATE_TEST_SUITE_P(Exchanges, Locks, ::testing::ValuesIn(all_exchanges()), exchange_name);

}  // namespace
}  // namespace openssl_event::testing
