// The examples of the lookups: a client that verifies with a revocation list, and the records of a connection.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <memory>

#include "tests/examples/server.h"

namespace {

std::string temporary(const std::string& name) { return std::string(std::getenv("TEST_TMPDIR")) + "/" + name; }

void openssl(const Command& arguments) {
  Command command = {"openssl"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const Result result = run(command);
  EXPECT_EQ(result.status, 0) << result.errors;
}

// A CA with its list of revoked certificates, and a server's certificate.
struct VerifyingClient : testing::Test {
  VerifyingClient() {
    std::ofstream(temporary("index")).close();
    std::ofstream(temporary("config")) << "[ca]\ndefault_ca=the_ca\n[the_ca]\ndatabase=" << temporary("index")
                                       << "\ndefault_md=sha256\ndefault_crl_days=2\n";
    const Command ec = {"-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"};
    Command make_ca = {
        "req", "-x509", "-subj", "/CN=a CA", "-keyout", temporary("ca.key"), "-out", temporary("ca.pem")};
    Command make_request = {"req", "-subj", "/CN=127.0.0.1", "-keyout", temporary("key"), "-out", temporary("request")};
    make_ca.insert(make_ca.end(), ec.begin(), ec.end());
    make_request.insert(make_request.end(), ec.begin(), ec.end());
    openssl(make_ca);
    openssl(make_request);
    std::ofstream(temporary("extensions")) << "subjectAltName=IP:127.0.0.1\n";
    openssl({"x509", "-req", "-in", temporary("request"), "-CA", temporary("ca.pem"), "-CAkey", temporary("ca.key"),
             "-set_serial", "0x77", "-days", "2", "-extfile", temporary("extensions"), "-out",
             temporary("certificate")});
    make_list();
    server = std::make_unique<Server>(https_server({"--cert", temporary("certificate"), "--key", temporary("key")}));
  }
  static Command with_ca(Command arguments) {
    arguments.insert(arguments.end(),
                     {"-config", temporary("config"), "-cert", temporary("ca.pem"), "-keyfile", temporary("ca.key")});
    return arguments;
  }
  static void make_list() { openssl(with_ca({"ca", "-gencrl", "-out", temporary("crl")})); }
  Result get(const std::string& authorities, const std::string& crl) const {
    return run(
        {"examples/verifying_client", "127.0.0.1", std::to_string(server->port()), authorities, crl, "/bytes/100"});
  }
  std::unique_ptr<Server> server;
};

TEST_F(VerifyingClient, GetsThePageOfAGoodServer) {
  const Result result = get(temporary("ca.pem"), temporary("crl"));
  EXPECT_EQ(result.status, 0) << result.errors;
  EXPECT_TRUE(contains(result.output, "200 OK"));
}

TEST_F(VerifyingClient, RefusesARevokedCertificate) {
  openssl(with_ca({"ca", "-revoke", temporary("certificate")}));
  make_list();
  const Result result = get(temporary("ca.pem"), temporary("crl"));
  EXPECT_NE(result.status, 0);
  EXPECT_TRUE(contains(result.errors, "revoked")) << result.errors;
  EXPECT_FALSE(contains(result.output, "200 OK"));
  EXPECT_EQ(server->metric("openssl_event_failures_total{phase=\"handshake\",reason=\"ALERT\",alert=\"certificate "
                           "revoked\",sender=\"client\"}"),
            1);
}

TEST_F(VerifyingClient, RefusesAnUnknownAuthority) {
  const Result result = get(temporary("certificate"), temporary("crl"));
  EXPECT_NE(result.status, 0);
  EXPECT_TRUE(contains(result.errors, "the peer's certificate was not accepted")) << result.errors;
  EXPECT_FALSE(contains(result.output, "200 OK"));
}

TEST_F(VerifyingClient, RefusesEverybodyWithoutAList) {
  const Result result = get(temporary("ca.pem"), temporary("no such file"));
  EXPECT_NE(result.status, 0);
  EXPECT_TRUE(contains(result.errors, "no certificate revocation list")) << result.errors;
}

// ---- tls_records ----

TEST(TlsRecords, OfARelayedConnectionArePrinted) {
  Server server(https_server({}));
  Process relay({"examples/tls_records", "--relay", "0", "127.0.0.1", std::to_string(server.port())});
  ASSERT_TRUE(relay.wait_for_output("\n"));
  const std::string port = between(relay.output(), "listening on 127.0.0.1:", "\n");
  EXPECT_EQ(run(curl({"--resolve", "www.example.org:" + port + ":127.0.0.1",
                      "https://www.example.org:" + port + "/bytes/20000"}))
                .output.size(),
            20000u);
  EXPECT_EQ(relay.wait(), 0);
  EXPECT_TRUE(
      contains(relay.output(), "ClientHello for \"www.example.org\", ALPN h2, http/1.1, versions TLS 1.3, TLS 1.2"))
      << relay.output();
  EXPECT_TRUE(contains(relay.output(), "server <   ServerHello TLS 1.3")) << relay.output();
  EXPECT_TRUE(contains(relay.output(), "server < application_data, 16401 bytes")) << relay.output();
}

TEST(TlsRecords, OfACapturedStreamArePrinted) {
  const std::string stream("\x15\x03\x03\x00\x02\x01\x00", 7);
  const Result result = run({"examples/tls_records", "-"}, stream);
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.output, "> alert, 2 bytes, TLS 1.2\n");
  EXPECT_TRUE(contains(run({"examples/tls_records", "-"}, stream + stream.substr(0, 6)).output, "ends 1 bytes before"));
}

TEST(TlsRecords, OfWhatIsNoTlsAreNone) {
  const Result result = run({"examples/tls_records", "-"}, "GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.output, "> at byte 0: no TLS record\n");
  EXPECT_EQ(run({"examples/tls_records"}).status, 2);
}

}  // namespace
