// Every operation on a worker, with each group that the OpenSSL at hand has, beside programs that know nothing of it.
#include <dlfcn.h>
#include <openssl/err.h>
#include <unistd.h>

#include <cctype>

#include "tests/interop/fixture.h"

namespace openssl_event::interop {
namespace {

struct FreeLibrary {
  void operator()(OSSL_LIB_CTX* library) const { openssl_freeOffloadContext(library); }
};

// The program of the OpenSSL that this is linked with: only that has the same groups.
Words own_openssl() {
  Dl_info info = {};
  dladdr(reinterpret_cast<void*>(&SSL_CTX_new), &info);
  const std::string library = info.dli_fname ? info.dli_fname : "";
  const std::string directory = library.substr(0, library.rfind('/'));
  const std::string program = directory + "/../bin/openssl";
  if (access(program.c_str(), X_OK) != 0) return {"openssl"};
  return {"env", "LD_LIBRARY_PATH=" + directory, program};
}

struct Group {
  const char* name;
  const char* gnutls;
};

// Debian's GnuTLS has these.
const Group kCommonGroups[] = {{"X25519", "X25519"},      {"X448", "X448"},       {"P-256", "SECP256R1"},
                               {"P-384", "SECP384R1"},    {"P-521", "SECP521R1"}, {"ffdhe2048", "FFDHE2048"},
                               {"ffdhe3072", "FFDHE3072"}};

std::vector<Group> all_groups() {
  std::vector<Group> all(std::begin(kCommonGroups), std::end(kCommonGroups));
  const testing::Context context(SSL_CTX_new(TLS_method()));
  for (const char* name :
       {"MLKEM512", "MLKEM768", "MLKEM1024", "X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"})
    if (SSL_CTX_set1_groups_list(context.get(), name)) all.push_back({name, nullptr});
  ERR_clear_error();
  return all;
}

bool encapsulates(const Group& group) { return std::string(group.name).find("MLKEM") != std::string::npos; }

// Both programs speak TLS 1.3 with an RSA certificate.
template <class Base>
class Interposed : public Base, public ::testing::WithParamInterface<Group> {
 protected:
  Interposed() : library_(openssl_newOffloadContext(nullptr, nullptr, nullptr)) {}
  void TearDown() override {
    this->connection_.reset();
    this->context_.reset();
  }
  void use_group() { EXPECT_EQ(SSL_CTX_set1_groups_list(this->context_.get(), GetParam().name), 1) << GetParam().name; }

  std::unique_ptr<OSSL_LIB_CTX, FreeLibrary> library_;
};

class InterposedClient : public Interposed<ClientTest> {
 protected:
  void trust_rsa() {
    context_ = testing::make_client_context(TLS1_3_VERSION, KeyType::kRsa, library_.get());
    use_group();
  }
  // Our share, the secret, and what the server's certificate and signature need.
  void expect_calls_on_workers_only() {
    EXPECT_GE(machine().calls_on_workers(), 3);
    EXPECT_EQ(machine().calls_here(), 0);
  }
};

TEST_P(InterposedClient, TalksToSServer) {
  trust_rsa();
  const std::string port = start_s_server(own_openssl() + Words{"s_server", "-accept", "127.0.0.1:0", "-cert",
                                                                certificate_file(KeyType::kRsa), "-key",
                                                                key_file(KeyType::kRsa), "-groups", GetParam().name});
  ASSERT_NE(port, "") << story();
  connect(port);
  ASSERT_TRUE(established()) << story();
  EXPECT_TRUE(data_flows()) << story();
  expect_calls_on_workers_only();
}

class InterposedClientOfGnutls : public InterposedClient {};

TEST_P(InterposedClientOfGnutls, TalksToGnutlsServ) {
  trust_rsa();
  const Words server = {
      "gnutls-serv",    "--echo",
      "--x509certfile", certificate_file(KeyType::kRsa),
      "--x509keyfile",  key_file(KeyType::kRsa),
      "--priority",     std::string("NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-") + GetParam().gnutls};
  bool listens = false;
  std::string port;
  for (int attempt = 0; attempt < 5 && !listens; ++attempt) {
    port = free_port();
    peer_.emplace(server + Words{"--port", port});
    listens = peer_->wait_until_said("IPv4 0.0.0.0 port " + port + "...done");
  }
  ASSERT_TRUE(listens) << story();
  connect(port);
  ASSERT_TRUE(established()) << story();
  machine().send("an echo\n");
  EXPECT_TRUE(machine_receives("an echo\n")) << story();
  expect_calls_on_workers_only();
}

class InterposedServer : public Interposed<ServerTest> {};

TEST_P(InterposedServer, ServesSClient) {
  context_ = testing::make_server_context(TLS1_3_VERSION, KeyType::kRsa, false, library_.get());
  use_group();
  run(own_openssl() + Words{"s_client", "-connect", "127.0.0.1:" + port(), "-CAfile", certificate_file(KeyType::kRsa),
                            "-verify_return_error", "-groups", GetParam().name});
  ASSERT_TRUE(established()) << story();
  EXPECT_TRUE(data_flows()) << story();
  EXPECT_EQ(machine().calls_on_workers(), encapsulates(GetParam()) ? 2 : 3);
  EXPECT_EQ(machine().calls_here(), 0);
}

std::string name_of_group(const ::testing::TestParamInfo<Group>& info) {
  std::string name;
  for (const char* c = info.param.name; *c; ++c)
    if (std::isalnum(static_cast<unsigned char>(*c))) name += *c;
  return name;
}

INSTANTIATE_TEST_SUITE_P(Groups, InterposedClient, ::testing::ValuesIn(all_groups()), name_of_group);
INSTANTIATE_TEST_SUITE_P(Groups, InterposedClientOfGnutls, ::testing::ValuesIn(kCommonGroups), name_of_group);
INSTANTIATE_TEST_SUITE_P(Groups, InterposedServer, ::testing::ValuesIn(all_groups()), name_of_group);

}  // namespace
}  // namespace openssl_event::interop
