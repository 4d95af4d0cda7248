// Every expensive operation of the server on its workers, with foreign clients: each group and each type of key. And keys
// in a token.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "tests/examples/server.h"

namespace {

std::string temporary(const std::string& name) { return std::string(std::getenv("TEST_TMPDIR")) + "/" + name; }

double calls(Server& server, const char* operation, const char* executed) {
  return server.metric(std::string("openssl_event_engine_calls_total{operation=\"") + operation + "\",executed=\"" + executed +
                       "\"}");
}

// A key and its certificate, by openssl req.
Command make_files(const std::string& name, const Command& algorithm) {
  const std::string key = temporary(name + ".key"), certificate = temporary(name + ".pem");
  Command request = {"openssl", "req", "-x509", "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out", certificate};
  request.insert(request.end(), algorithm.begin(), algorithm.end());
  EXPECT_EQ(run(request).status, 0);
  return {"--cert", certificate, "--key", key};
}

struct KeyType {
  const char* name;
  Command algorithm;
  const char* curve;  // that a client of TLS 1.2 has to offer beside the group (RFC 8422 5.1.1); nullptr: none
};

const KeyType kKeys[] = {{"RSA", {"-newkey", "rsa:2048"}, nullptr},
                         {"RSA-PSS", {"-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"}, nullptr},
                         {"P-256", {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"}, "P-256"},
                         {"P-384", {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"}, "P-384"},
                         {"Ed25519", {"-newkey", "ed25519"}, nullptr},
                         {"Ed448", {"-newkey", "ed448"}, nullptr}};

struct Group {
  const char* name;
  bool in_tls12;
  bool in_curl;
  const char* gnutls;  // nullptr: it does not have it
};

const Group kGroups[] = {{"X25519", true, true, "GROUP-X25519"},
                         {"X448", true, true, "GROUP-X448"},
                         {"P-256", true, true, "GROUP-SECP256R1"},
                         {"P-384", true, true, "GROUP-SECP384R1"},
                         {"P-521", true, true, "GROUP-SECP521R1"},
                         {"ffdhe2048", false, false, "GROUP-FFDHE2048"},
                         {"ffdhe3072", false, false, "GROUP-FFDHE3072"}};

bool encapsulates(const Group& group) { return contains(group.name, "MLKEM"); }

// The OpenSSL that the server is built with, if it is not the system's: only that has the same groups. curl takes its
// library unless it is an OpenSSL of another major version, which it does not know.
const char* own_libraries() { return std::getenv("OPENSSL_LIBRARIES"); }

Command with_own_libraries(Command command) {
  if (own_libraries()) command.insert(command.begin(), {"env", std::string("LD_LIBRARY_PATH=") + own_libraries()});
  return command;
}

Command own_openssl(Command command) {
  if (own_libraries()) command[0] = std::string(std::getenv("OPENSSL_PREFIX")) + "/bin/openssl";
  return with_own_libraries(command);
}

std::vector<Group> all_groups() {
  std::vector<Group> all(std::begin(kGroups), std::end(kGroups));
  const bool curl_has_it = own_libraries() && std::ifstream(std::string(own_libraries()) + "/libssl.so.3").good();
  // The one that OpenSSL 3.5 and later take by default; tests/interop:operations_test has the others.
  const char* hybrid = "X25519MLKEM768";
  if (contains(run(own_openssl({"openssl", "list", "-tls-groups"})).output, hybrid))
    all.push_back({hybrid, false, curl_has_it, nullptr});
  return all;
}

bool by_openssl(const Server& server, const std::string& groups, const char* version) {
  const Command client = own_openssl(s_client(server, {"-ign_eof", version, "-groups", groups}));
  return contains(run(client, "GET / HTTP/1.0\r\n\r\n").output, "200 OK");
}

bool by_curl(const Server& server, const Group& group) {
  return run(with_own_libraries(curl({"--curves", group.name, server.url("/")}))).status == 0;
}

bool by_gnutls(const Server& server, const Group& group) {
  const std::string priority = std::string("NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+") + group.gnutls;
  const Result result = run({"gnutls-cli", "--insecure", "--priority", priority, "-p", std::to_string(server.port()), "127.0.0.1"},
                            "GET / HTTP/1.0\r\n\r\n");
  return contains(result.output, "200 OK");
}

class Matrix : public ::testing::TestWithParam<KeyType> {};

TEST_P(Matrix, IsServedByWorkersAlone) {
  const KeyType& key = GetParam();
  Command flags = make_files(key.name, key.algorithm);
  flags.insert(flags.end(), {"--offload", "all", "--workers", "2"});
  Server server(https_server(flags));
  std::printf("%-8s  %-18s %8s %8s %6s %10s\n", key.name, "group", "openssl", "TLS 1.2", "curl", "gnutls-cli");
  bool encapsulation = false;
  for (const Group& group : all_groups()) {
    const bool openssl = by_openssl(server, group.name, "-tls1_3");
    const bool same = !key.curve || std::string(key.curve) == group.name;
    const std::string groups = same ? group.name : std::string(group.name) + ":" + key.curve;
    const bool older = !group.in_tls12 || by_openssl(server, groups, "-tls1_2");
    const bool by_libcurl = !group.in_curl || by_curl(server, group);
    const bool gnutls = !group.gnutls || by_gnutls(server, group);
    const auto word = [](bool done, bool applies = true) { return !applies ? "-" : done ? "ok" : "FAILED"; };
    std::printf("%-8s  %-18s %8s %8s %6s %10s\n", "", group.name, word(openssl), word(older, group.in_tls12),
                word(by_libcurl, group.in_curl), word(gnutls, group.gnutls));
    EXPECT_TRUE(openssl && older && by_libcurl && gnutls) << group.name;
    encapsulation |= encapsulates(group);
  }
  for (const char* operation : {"sign", "keygen", "derive"}) {
    EXPECT_GE(calls(server, operation, "worker"), 20) << operation;
    EXPECT_EQ(calls(server, operation, "inline"), 0) << operation;
  }
  EXPECT_EQ(calls(server, "encapsulate", "worker") >= 1, encapsulation);
  EXPECT_EQ(calls(server, "encapsulate", "inline"), 0);
  EXPECT_EQ(server.stop(), 0) << server.process().errors();
}

INSTANTIATE_TEST_SUITE_P(Keys, Matrix, ::testing::ValuesIn(kKeys), [](const auto& each) {
  std::string name;
  for (const char* c = each.param.name; *c; ++c)
    if (*c != '-') name += *c;
  return name;
});

TEST(Offload, SelectsOperations) {
  Server server(https_server({"--offload", "derive,sign", "--engine", "pool"}));
  server.get("/");
  EXPECT_GE(calls(server, "derive", "worker"), 1);
  EXPECT_GE(calls(server, "sign", "worker"), 1);
  EXPECT_EQ(calls(server, "keygen", "worker"), 0);
  EXPECT_EQ(server.stop(), 0);
}

TEST(Offload, OfWhatIsKnownToBeShortIsLeftWhereItIs) {
  Server server(https_server({"--ec", "--workers", "2", "--in-place-below", "1000000"}));
  for (int i = 0; i < 12; ++i) server.get("/");
  const double by_workers = calls(server, "sign", "worker"), in_place = calls(server, "sign", "inline");
  EXPECT_EQ(by_workers, 8);
  EXPECT_GE(in_place, 4);
  EXPECT_GE(server.metric("openssl_event_workers_left_total"), in_place);  // asking is a handshake too
  EXPECT_EQ(server.stop(), 0);
}

TEST(Offload, OfNothingMakesNoCalls) {
  Server server(https_server({"--offload=none"}));
  server.get("/");
  EXPECT_EQ(calls(server, "sign", "worker"), 0);
  EXPECT_EQ(calls(server, "sign", "inline"), 0);
  EXPECT_EQ(server.stop(), 0);
}

TEST(Offload, DecryptsOnWorkers) {
  Server server(https_server({"--offload", "all"}));
  const Result result = run(s_client(server, {"-ign_eof", "-tls1_2", "-cipher", "AES128-GCM-SHA256"}), "GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(contains(result.output, "200 OK"));
  EXPECT_EQ(calls(server, "decrypt", "worker"), 1);
  EXPECT_EQ(server.stop(), 0);
}

TEST(Engine, InlineExecutesInPlace) {
  Server server(https_server({"--engine", "inline", "--offload", "all"}));
  server.get("/");
  for (const char* operation : {"sign", "keygen", "derive"}) {
    EXPECT_GE(calls(server, operation, "inline"), 1) << operation;
    EXPECT_EQ(calls(server, operation, "worker"), 0) << operation;
  }
  EXPECT_EQ(server.stop(), 0);
}

TEST(Engine, AndOffloadSayWhatTheyTake) {
  for (const Command& flags : {Command{"--engine", "magic"}, Command{"--offload", "everything"}, Command{"--offload", "sign,"},
                               Command{"--engine", "pkcs11:token=x"}}) {
    const Result result = run(https_server(flags));
    EXPECT_EQ(result.status, 2) << flags[1];
    EXPECT_NE(result.errors, "");
  }
}

// A token of SoftHSM's with one key.
class Token : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string tokens = temporary("tokens");
    ASSERT_EQ(run({"mkdir", "-p", tokens}).status, 0);
    std::ofstream(temporary("softhsm2.conf")) << "directories.tokendir = " << tokens << "\nlog.level = ERROR\n";
    setenv("SOFTHSM2_CONF", temporary("softhsm2.conf").c_str(), 1);
    const Command files = make_files("token", kKeys[0].algorithm);
    certificate = files[1];
    key = files[3];
    make();
  }
  void make() {
    ASSERT_EQ(run({"softhsm2-util", "--init-token", "--free", "--label", "web", "--pin", "1234", "--so-pin", "5678"}).status, 0);
    ASSERT_EQ(run({"softhsm2-util", "--import", key, "--token", "web", "--label", "tls", "--id", "01", "--pin", "1234"}).status, 0);
  }
  void remove() { run({"softhsm2-util", "--delete-token", "--token", "web"}); }
  void TearDown() override { remove(); }

  Command flags(const std::string& pin) const {
    return {"--cert", certificate, "--engine",
            "pkcs11:token=web;object=tls?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-value=" + pin};
  }

  std::string certificate, key;
};

TEST_F(Token, SignsAndDecryptsForTheServer) {
  Server server(https_server(flags("1234")));
  server.get("/");
  const Result older = run(s_client(server, {"-ign_eof", "-tls1_2", "-cipher", "AES128-GCM-SHA256"}), "GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(contains(older.output, "200 OK"));
  EXPECT_GE(calls(server, "sign", "worker"), 1);
  EXPECT_GE(calls(server, "decrypt", "worker"), 1);
  EXPECT_EQ(server.stop(), 0) << server.process().errors();
}

TEST_F(Token, MakesCallsOfTheRestToo) {
  Command all = flags("1234");
  all.insert(all.end(), {"--offload", "all"});
  Server server(https_server(all));
  server.get("/");
  for (const char* operation : {"sign", "keygen", "derive"}) EXPECT_GE(calls(server, operation, "worker"), 1) << operation;
  EXPECT_EQ(server.stop(), 0) << server.process().errors();
}

TEST_F(Token, WithAWrongPinFailsHandshakesOnly) {
  Server server(https_server(flags("4321")));
  for (int i = 0; i < 2; ++i) EXPECT_NE(run(curl({server.url("/")})).status, 0);
  EXPECT_EQ(server.stop(), 0);
  EXPECT_TRUE(contains(server.process().errors(), "pkcs11: logging in: ")) << server.process().errors();
}

TEST_F(Token, MayGoAndComeBack) {
  Server server(https_server(flags("1234")));
  server.get("/");
  remove();
  EXPECT_NE(run(curl({server.url("/")})).status, 0);
  make();
  server.get("/");
  EXPECT_EQ(server.stop(), 0);
  EXPECT_TRUE(contains(server.process().errors(), "pkcs11: ")) << server.process().errors();
}

}  // namespace
