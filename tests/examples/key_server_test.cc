// A server whose key is in another process: with every type of key, and when that process goes and comes.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "tests/examples/server.h"

namespace {

struct KeyType {
  const char* name;
  const char* option;   // of openssl req
  const char* option2;
};

class KeyServer : public ::testing::TestWithParam<KeyType> {
 protected:
  void SetUp() override {
    char name[] = "/tmp/key_server_XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory = name;
    Command request = {"openssl", "req", "-x509", "-nodes", "-subj", "/CN=localhost", "-keyout", file("key"), "-out",
                       file("certificate"), "-newkey", GetParam().option};
    if (GetParam().option2) request.insert(request.end(), {"-pkeyopt", GetParam().option2});
    ASSERT_EQ(run(request).status, 0);
    start_keys();
    server = std::make_unique<Server>(Command{"examples/remote_key_server", "--certificate", file("certificate"),
                                              "--keys", file("socket"), "--port", "0"});
  }
  ~KeyServer() override {
    EXPECT_TRUE(!server || server->stop() == 0) << server->process().errors();
    if (keys) stop_keys();
    run({"rm", "-r", directory});
  }

  std::string file(const char* name) const { return directory + "/" + name; }
  void start_keys() {
    keys = std::make_unique<Process>(Command{"examples/key_server", file("key"), file("socket")});
    ASSERT_TRUE(keys->wait_for_output("serving a key"));
  }
  void stop_keys() {
    keys->signal(SIGTERM);
    keys->wait();
    keys.reset();
  }
  Result connect(const Command& options) {
    return run(s_client(*server, options), "GET / HTTP/1.0\r\n\r\n");
  }

  std::string directory;
  std::unique_ptr<Process> keys;
  std::unique_ptr<Server> server;
};

constexpr char kText[] = "The key is in another process's hands";

TEST_P(KeyServer, SignsForTls13And12) {
  EXPECT_EQ(server->get("/"), kText);
  const Result older = connect({"-tls1_2", "-ign_eof"});
  EXPECT_TRUE(contains(older.output, kText)) << older.errors << server->process().errors();
}

TEST_P(KeyServer, DecryptsThePremasterSecret) {
  if (std::string(GetParam().name) != "Rsa") {
    // Only RSA keys decrypt: such a client finds no cipher.
    EXPECT_NE(connect({"-tls1_2", "-cipher", "AES128-GCM-SHA256"}).status, 0);
    return;
  }
  const Result result = connect({"-tls1_2", "-cipher", "AES128-GCM-SHA256", "-ign_eof"});
  EXPECT_TRUE(contains(result.output, kText)) << result.errors << server->process().errors();
}

TEST_P(KeyServer, FailsTheHandshakeOnlyWhileItIsGone) {
  EXPECT_EQ(server->get("/"), kText);
  stop_keys();
  for (int i = 0; i < 2; ++i) EXPECT_NE(connect({}).status, 0);
  start_keys();
  EXPECT_EQ(server->get("/"), kText);
}

INSTANTIATE_TEST_SUITE_P(KeyTypes, KeyServer,
                         ::testing::Values(KeyType{"Rsa", "rsa:2048", nullptr},
                                           KeyType{"RsaPss", "rsa-pss", "rsa_keygen_bits:2048"},
                                           KeyType{"EcP256", "ec", "ec_paramgen_curve:P-256"},
                                           KeyType{"Ed25519", "ed25519", nullptr},
                                           KeyType{"Ed448", "ed448", nullptr}),
                         [](const auto& each) { return each.param.name; });

TEST(KeyServerProgram, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(run({"examples/key_server"}).status, 2);
  EXPECT_EQ(run({"examples/remote_key_server"}).status, 2);
  EXPECT_NE(run({"examples/key_server", "/nonexistent", "/tmp/nobody"}).status, 0);
}

}  // namespace
