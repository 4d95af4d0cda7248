// uv_client against servers that nobody here wrote, and against certificates that it must not accept.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include "tests/examples/process.h"
#include "tests/examples/socket.h"

namespace {

std::string temporary(const std::string& name) { return std::string(std::getenv("TEST_TMPDIR")) + "/" + name; }

void write_file(const std::string& name, const std::string& text) { std::ofstream(temporary(name)) << text; }

void make_authority() {
  ASSERT_EQ(run({"openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=Authority", "-keyout", temporary("ca.key"), "-out",
                 temporary("ca.pem")})
                .status,
            0);
}

// A certificate of the authority's, with these extensions; the days that it holds may be negative.
void make_certificate(const std::string& name, const std::string& extensions, const std::string& days) {
  write_file(name + ".ext", extensions);
  ASSERT_EQ(run({"openssl", "req", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=" + name, "-keyout", temporary(name + ".key"), "-out",
                 temporary(name + ".csr")})
                .status,
            0);
  ASSERT_EQ(run({"openssl", "x509", "-req", "-in", temporary(name + ".csr"), "-CA", temporary("ca.pem"), "-CAkey", temporary("ca.key"),
                 "-CAcreateserial", "-days", days, "-extfile", temporary(name + ".ext"), "-out", temporary(name + ".pem")})
                .status,
            0);
}

struct UvClientServers : testing::Test {
  static void SetUpTestSuite() {
    make_authority();
    make_certificate("good", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1", "2");
    make_certificate("expired", "subjectAltName=DNS:localhost", "-1");
    make_certificate("no_server", "subjectAltName=DNS:localhost\nextendedKeyUsage=clientAuth", "2");
    make_certificate("wildcard", "subjectAltName=DNS:*.localhost", "2");
  }

  static Result fetch(const std::string& authority, const std::string& path = "/") {
    return run({"examples/uv_client", "--cacert", temporary("ca.pem"), "https://" + authority + path});
  }

  static void expect_fetched(const Result& result, const std::string& part) {
    EXPECT_EQ(result.status, 0) << result.errors;
    EXPECT_TRUE(contains(result.output, part)) << result.output;
  }

  static void expect_failure(const Result& result, const std::string& part) {
    EXPECT_EQ(result.status, 1);
    EXPECT_EQ(result.output, "");
    EXPECT_TRUE(contains(result.errors, part)) << result.errors;
  }
};

// `openssl s_server`, which answers each request with a page about the connection.
class SServer {
 public:
  explicit SServer(const std::string& certificate, const Command& flags = {}, const std::string& address = "127.0.0.1")
      : process_(command(certificate, flags, address)) {
    EXPECT_TRUE(process_.wait_for_output("ACCEPT " + address + ":") && process_.wait_for_output("\n")) << process_.errors();
    port_ = between(process_.output() + "\n", "ACCEPT " + address + ":", "\n");
  }
  std::string at(const std::string& host) const { return host + ":" + port_; }

 private:
  static Command command(const std::string& certificate, const Command& flags, const std::string& address) {
    Command command = {"openssl", "s_server", "-www", "-accept", address + ":0", "-cert", temporary(certificate + ".pem"), "-key",
                       temporary(certificate + ".key")};
    command.insert(command.end(), flags.begin(), flags.end());
    return command;
  }

  Process process_;
  std::string port_;
};

std::string free_port() {
  int port = 0;
  close(listen_on_loopback(port));
  return std::to_string(port);
}

TEST_F(UvClientServers, FetchesFromSServerInBothVersions) {
  expect_fetched(fetch(SServer("good", {"-tls1_2"}).at("localhost")), "New, TLSv1.2, Cipher");
  expect_fetched(fetch(SServer("good", {"-tls1_3"}).at("127.0.0.1")), "New, TLSv1.3, Cipher");
}

TEST_F(UvClientServers, FetchesByIpv6) { expect_fetched(fetch(SServer("good", {}, "[::1]").at("[::1]")), "Cipher"); }

TEST_F(UvClientServers, FetchesFromGnutls) {
  const std::string port = free_port();
  Process server({"gnutls-serv", "--http", "-p", port, "--x509certfile", temporary("good.pem"), "--x509keyfile", temporary("good.key")});
  ASSERT_TRUE(server.wait_for_errors("...done")) << server.output() << server.errors();
  expect_fetched(fetch("localhost:" + port), "Session ID");
}

TEST_F(UvClientServers, FetchesFromNginx) {
  const std::string port = free_port();
  std::string paths;  // its own are root's
  for (const char* what : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) paths.append(what).append("_temp_path " + temporary(what) + "; ");
  write_file("nginx.conf", std::string(geteuid() == 0 ? "user root root; " : "") + "daemon off; pid " + temporary("nginx.pid") +
                               "; error_log stderr notice; events {}\nhttp { access_log off; " + paths + "\nserver { listen 127.0.0.1:" + port +
                               " ssl; ssl_certificate " + temporary("good.pem") + "; ssl_certificate_key " + temporary("good.key") +
                               ";\nlocation / { return 200 'from nginx'; } location /moved { return 301 /; } } }\n");
  Process server({"nginx", "-e", "stderr", "-c", temporary("nginx.conf")});
  ASSERT_TRUE(server.wait_for_errors("start worker process ")) << server.errors();
  expect_fetched(fetch("localhost:" + port, "/a?b"), "from nginx");
  const Result moved = fetch("localhost:" + port, "/moved");
  EXPECT_EQ(moved.status, 0) << "whole, whatever it says";
  EXPECT_TRUE(contains(moved.errors, "HTTP/1.1 301 Moved Permanently, ")) << moved.errors;
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0) << server.errors();
}

TEST_F(UvClientServers, AcceptsNoCertificateOutOfItsTimeOrPurpose) {
  expect_failure(fetch(SServer("expired").at("localhost")), "certificate has expired");
  expect_failure(fetch(SServer("no_server").at("localhost")), "unsuitable certificate purpose");
}

TEST_F(UvClientServers, AcceptsNoCertificateOfOtherNames) {
  expect_failure(fetch(SServer("wildcard").at("localhost")), "hostname mismatch");
  expect_failure(fetch(SServer("good", {}, "127.0.0.2").at("127.0.0.2")), "IP address mismatch");
}

TEST_F(UvClientServers, SaysWhichAlertEndedIt) {
  expect_failure(fetch(SServer("good", {"-tls1_1", "-cipher", "ALL@SECLEVEL=0"}).at("localhost")), "alert protocol version");
  expect_failure(fetch(SServer("good", {"-alpn", "h2"}).at("localhost")), "alert no application protocol");
  expect_failure(fetch(SServer("good", {"-Verify", "1"}).at("localhost")), "certificate required");
}

// A new line in it would be one of the request's.
TEST_F(UvClientServers, TakesNoUrlThatIsNone) {
  for (const std::string url : {"https://localhost/a b", "https://localhost/a\r\nName: value", "https://localhost/\t", "https://[::1/",
                                "https://localhost:99999/", "https://:443/", "ftp://localhost/"})
    EXPECT_EQ(run({"examples/uv_client", url}).status, 2) << url;
  EXPECT_EQ(run({"examples/uv_client", "https://" + std::string(300, 'a') + "/"}).status, 2);
}

TEST_F(UvClientServers, SaysThatItsOutputFailed) {
  const SServer server("good");
  for (const std::string output : {">/dev/full", ">&-"}) {
    const Result result =
        run({"bash", "-c", "examples/uv_client --cacert '" + temporary("ca.pem") + "' https://" + server.at("localhost") + "/ " + output});
    expect_failure(result, "uv_client: standard output: ");
  }
}

}  // namespace
