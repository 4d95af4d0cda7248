// Every n-th allocation fails in turn, of ours and of OpenSSL's, but none of the token's: that call fails, and the next
// one works.
#include <openssl/err.h>

#include <optional>

#include "tests/engine_pkcs11/hooked_module.h"
#include "tests/engine_pkcs11/pkcs11_fixture.h"
#include "tests/support/failing_malloc.h"
#include "tests/support/failing_new.h"

namespace openssl_event::testing {
namespace {

struct Use {
  const char* name;
  KeyType type;
  int version;
  const char* cipher;
};

class Pkcs11Allocation : public Pkcs11, public ::testing::WithParamInterface<Use> {
 protected:
  Pkcs11Allocation() {
    module.before = [this](std::string_view) { spared.emplace(); };
    module.after = [this](std::string_view function) {
      spared.reset();
      initialized += function == "C_Initialize";
      finalized += function == "C_Finalize";
    };
  }

  std::string handshake_with(EVP_PKEY* key, const std::function<void(OPENSSL_EVENT*)>& execute) {
    Pair pair = pair_with(key, GetParam().type, GetParam().version, GetParam().cipher);
    return handshake(pair, execute);
  }

  // With a key of which the n-th allocation fails, whether that is when it is made, or when it is used first. `fail`
  // (0: stop) and `has_failed` are of one kind of allocations. Returns n of the last.
  template <typename Fail, typename HasFailed>
  long sweep(Fail fail, HasFailed has_failed) {
    const std::string uri = token->uri(label_of(GetParam().type), kPin, module.path());
    EVP_PKEY* public_key = X509_get0_pubkey(shared_certificate(GetParam().type));
    for (long n = 1;; ++n) {
      fail(n);
      const Key key(openssl_pkcs11Key(uri.c_str(), public_key));
      const bool failed_at_once = has_failed();
      fail(0);
      ERR_clear_error();
      EXPECT_TRUE(key || failed_at_once);
      if (!key) continue;
      bool failed = false;
      const std::string error = handshake_with(key.get(), [&](OPENSSL_EVENT* e) {
        fail(n);
        e->e.engine->call(e);
        failed = has_failed();
        fail(0);
        ERR_clear_error();
      });
      EXPECT_TRUE(failed || error.empty()) << n << error;
      EXPECT_EQ(handshake_with(key.get(), {}), "") << "after allocation " << n;
      if (!failed && !failed_at_once) return n;
    }
  }

  // Within the module, nothing fails.
  struct Spared {
    Unfailing of_ours;
    Uncounted of_openssls;
  };

  HookedModule module;
  std::optional<Spared> spared;
  int initialized = 0, finalized = 0;
};

TEST_P(Pkcs11Allocation, OfOursMayFail) {
  EXPECT_GT(sweep(fail_any_allocation, allocation_failed), 5);
  EXPECT_GT(initialized, 5);
  EXPECT_EQ(initialized, finalized);
}

TEST_P(Pkcs11Allocation, OfOpensslsMayFail) {
  long failing = 0;
  const auto fail = [&](long n) {
    failing = n;
    fail_openssl_allocation(n);
  };
  EXPECT_GT(sweep(fail, [&] { return failing > 0 && openssl_allocations() >= failing; }), 3);
  EXPECT_EQ(initialized, finalized);
}

INSTANTIATE_TEST_SUITE_P(Uses, Pkcs11Allocation,
                         ::testing::Values(Use{"SignsPss", KeyType::kRsa, TLS1_3_VERSION, nullptr},
                                           Use{"SignsPkcs1", KeyType::kRsa, TLS1_2_VERSION,
                                               "ECDHE-RSA-AES128-GCM-SHA256"},
                                           Use{"Decrypts", KeyType::kRsa, TLS1_2_VERSION, "AES128-GCM-SHA256"},
                                           Use{"SignsEcdsa", KeyType::kEcP256, TLS1_3_VERSION, nullptr},
                                           Use{"SignsEddsa", KeyType::kEd25519, TLS1_3_VERSION, nullptr}),
                         [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace openssl_event::testing

int main(int argc, char** argv) {
  if (!openssl_event::testing::replace_openssl_malloc()) return 1;
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
