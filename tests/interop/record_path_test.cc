// Application data on the record path against programs nobody here wrote: every suite that it takes, as server and as
// client, with the SSL and without it.
#include <unistd.h>

#include "tests/interop/fixture.h"

namespace openssl_event::interop {
namespace {

struct Suite {
  const char* name;  // libssl's
  int version;
  const char* gnutls;  // what GnuTLS's priorities call its cipher
};

constexpr Suite kSuites[] = {{"TLS_AES_128_GCM_SHA256", TLS1_3_VERSION, "AES-128-GCM"},
                             {"TLS_AES_256_GCM_SHA384", TLS1_3_VERSION, "AES-256-GCM"},
                             {"TLS_CHACHA20_POLY1305_SHA256", TLS1_3_VERSION, "CHACHA20-POLY1305"},
                             {"ECDHE-ECDSA-AES128-GCM-SHA256", TLS1_2_VERSION, "AES-128-GCM"},
                             {"ECDHE-ECDSA-AES256-GCM-SHA384", TLS1_2_VERSION, "AES-256-GCM"},
                             {"ECDHE-ECDSA-CHACHA20-POLY1305", TLS1_2_VERSION, "CHACHA20-POLY1305"}};

constexpr KeyType kKey = KeyType::kEcP256;

struct Way {
  Suite suite;
  bool without_ssl;
};

std::vector<Way> ways() {
  std::vector<Way> all;
  for (const Suite& suite : kSuites)
    for (const bool without_ssl : {false, true}) all.push_back({suite, without_ssl});
  return all;
}

std::string name_of(const Way& way) {
  std::string name = way.suite.name;
  std::erase_if(name, [](char c) { return c == '-' || c == '_'; });
  return name + (way.without_ssl ? "WithoutSsl" : "");
}

struct NameOfWay {
  std::string operator()(const ::testing::TestParamInfo<Way>& info) const { return name_of(info.param); }
};

// `Side` is ServerTest or ClientTest.
template <class Side>
class OnTheRecordPath : public Side, public ::testing::WithParamInterface<Way> {
 protected:
  static const Suite& suite() { return GetParam().suite; }
  static bool tls13() { return suite().version == TLS1_3_VERSION; }
  static std::string priorities() {
    return std::string("NORMAL:-VERS-ALL:+VERS-TLS") + (tls13() ? "1.3" : "1.2") + ":-CIPHER-ALL:+" + suite().gnutls;
  }
  void prepare() {
    ASSERT_TRUE(tls13() ? SSL_CTX_set_ciphersuites(this->context_.get(), suite().name)
                        : SSL_CTX_set_cipher_list(this->context_.get(), suite().name));
    ASSERT_EQ(openssl_prepareContext(this->context_.get()), 1);
  }
  bool established() {
    if (GetParam().without_ssl) openssl_releaseSsl(this->machine().machine());
    return Side::established();
  }
  // All data went by the machine's own hand (one record to a client goes by libssl's, after its tickets), and the SSL
  // has gone if it was to go.
  void expect_path() {
    OPENSSL_RECORD_PATH path;
    openssl_recordPath(this->machine().machine(), &path);
    EXPECT_EQ(path.sends, OPENSSL_PATH_DIRECT) << openssl_pathReasonName(path.reason);
    EXPECT_EQ(path.receives, OPENSSL_PATH_DIRECT);
    EXPECT_GT(path.sealed, 0u);
    EXPECT_EQ(path.ssl_freed, GetParam().without_ssl);
    EXPECT_EQ(std::string(this->machine().negotiated().cipher), suite().name);
  }
  bool received(std::size_t size) {
    return this->machine().run_until([&] { return this->machine().received().size() >= size; }, &this->peer());
  }
  // By a command of the peer's, which reads no further: nothing may follow it before it is executed.
  bool peer_updates_keys(bool both) {
    const int before = this->peer().times_said(", KeyUpdate\n");
    this->peer().write(both ? "K\n" : "k\n");
    return this->peer_says(", KeyUpdate\n", before + 1);
  }
  bool keys_updated(int times) {
    return this->machine().run_until([&] { return this->machine().key_updates() >= times; }, &this->peer());
  }
};

// ---- The machine is the server ----

class RecordPathServer : public OnTheRecordPath<ServerTest> {
 protected:
  void serve() {
    ServerTest::serve(suite().version, kKey);
    prepare();
  }
  Words openssl() const {
    return {"openssl",
            "s_client",
            "-connect",
            "127.0.0.1:" + port(),
            "-servername",
            "localhost",
            "-CAfile",
            certificate_file(kKey),
            "-verify_return_error"};
  }
  Words gnutls() const {
    return {"gnutls-cli",
            "--port",
            port(),
            "--x509cafile",
            certificate_file(kKey),
            "--priority",
            priorities(),
            "--verify-hostname",
            "localhost",
            "--sni-hostname",
            "localhost",
            "127.0.0.1"};
  }
};
INSTANTIATE_TEST_SUITE_P(All, RecordPathServer, ::testing::ValuesIn(ways()), NameOfWay());

TEST_P(RecordPathServer, ExchangesDataWithSClientAcrossKeyUpdates) {
  serve();
  run(openssl() + Words{"-msg"});
  ASSERT_TRUE(established() && data_flows() && data_flows()) << story();
  if (tls13()) {
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(peer_updates_keys(i % 2) && data_flows() && data_flows()) << story();
    for (int both = 0; both < 2; ++both) {
      ASSERT_EQ(openssl_updateKey(machine().machine(), both), 1);
      EXPECT_TRUE(keys_updated(both + 1) && data_flows()) << story();
    }
  }
  expect_path();
  peer().write("Q\n");
  EXPECT_TRUE(close_notify_received()) << story();
}

TEST_P(RecordPathServer, SendsSClientTenMegabytes) {
  serve();
  const std::string got = scratch_file("got");
  run(openssl() + Words{"-quiet"}, {.input = "", .output = got, .directory = ""});
  ASSERT_TRUE(established()) << story();
  machine().send(much_data());
  machine().close();
  ASSERT_TRUE(machine().run_until([&] { return machine().close_notify_received(); }, &peer())) << story();
  ASSERT_TRUE(peer().wait_for_end());
  EXPECT_EQ(sha256(read_file(got)), sha256(much_data()));
}

TEST_P(RecordPathServer, TakesTenMegabytesOfSClient) {
  serve();
  run(openssl() + Words{"-quiet"}, {.input = much_data_file(), .output = "", .directory = ""});
  ASSERT_TRUE(established() && received(much_data().size())) << story();
  EXPECT_EQ(sha256(machine().received()), sha256(much_data()));
}

TEST_P(RecordPathServer, ExchangesDataWithGnutlsCli) {
  serve();
  run(gnutls());
  ASSERT_TRUE(established()) << story();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(data_flows()) << story();
  expect_path();
  machine().close();
  EXPECT_TRUE(peer_says("Peer has closed the GnuTLS connection")) << story();
}

TEST_P(RecordPathServer, ExchangesDataWithGnutlsCliThatUpdatesItsKeys) {
  if (!tls13()) return;
  serve();
  run(gnutls() + Words{"--inline-commands"});
  ASSERT_TRUE(established() && data_flows()) << story();
  for (int i = 0; i < 3; ++i) {
    peer().write("^rekey^\n");
    ASSERT_TRUE(peer_says("Rekey was completed", i + 1) && data_flows() && data_flows()) << story();
  }
  expect_path();
}

TEST_P(RecordPathServer, AnswersCurl) {
  serve();
  const std::string got = scratch_file("got");
  run({"curl",
       "--disable",
       "--silent",
       "--show-error",
       "--http1.1",
       "--noproxy",
       "*",
       "--max-time",
       std::to_string(kPatienceSeconds),
       "--cacert",
       certificate_file(kKey),
       "--resolve",
       "localhost:" + port() + ":127.0.0.1",
       "--data-binary",
       "@" + much_data_file(),
       "--header",
       "Expect:",
       "--output",
       got,
       "https://localhost:" + port() + "/"});
  ASSERT_TRUE(established() && machine_receives("\r\n\r\n")) << story();
  const std::size_t body = machine().received().find("\r\n\r\n") + 4;
  ASSERT_TRUE(received(body + much_data().size())) << story();
  EXPECT_EQ(sha256(machine().received().substr(body)), sha256(much_data()));
  machine().send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + much_data());
  machine().close();
  ASSERT_TRUE(machine().run_until([this] { return peer().closed_output(); }, &peer()) && peer().wait_for_end())
      << story();
  EXPECT_EQ(peer().exit_status(), 0) << story();
  EXPECT_EQ(sha256(read_file(got)), sha256(much_data()));
}

// ---- The machine is the client ----

class RecordPathClient : public OnTheRecordPath<ClientTest> {
 protected:
  void trust() {
    ClientTest::trust(suite().version, kKey);
    prepare();
  }
  // A server that listens on the port that it is given, when it has said so.
  template <class Command, class Said>
  void start_and_connect(Command&& command, Said&& said) {
    for (int attempt = 0; attempt < 5; ++attempt) {
      const std::string port = free_port();
      peer_.emplace(command(port));
      if (peer_->wait_until_said(said(port))) return connect(port);
    }
    FAIL() << "it does not listen\n" << story();
  }
};
INSTANTIATE_TEST_SUITE_P(All, RecordPathClient, ::testing::ValuesIn(ways()), NameOfWay());

TEST_P(RecordPathClient, ExchangesDataWithSServerAcrossKeyUpdates) {
  trust();
  connect(start_s_server({"openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", certificate_file(kKey), "-key",
                          key_file(kKey), "-msg"}));
  ASSERT_TRUE(established() && data_flows() && data_flows()) << story();
  if (tls13()) {
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(peer_updates_keys(i % 2) && data_flows() && data_flows()) << story();
    for (int both = 0; both < 2; ++both) {
      ASSERT_EQ(openssl_updateKey(machine().machine(), both), 1);
      EXPECT_TRUE(keys_updated(both + 1) && data_flows()) << story();
    }
  }
  expect_path();
  machine().close();
  EXPECT_TRUE(close_notify_received()) << story();
}

TEST_P(RecordPathClient, GnutlsServEchoesTenMegabytes) {
  trust();
  start_and_connect(
      [](const std::string& port) {
        return Words{"gnutls-serv",
                     "--echo",
                     "--quiet",
                     "--x509certfile",
                     certificate_file(kKey),
                     "--x509keyfile",
                     key_file(kKey),
                     "--priority",
                     priorities(),
                     "--port",
                     port};
      },
      [](const std::string& port) { return "IPv4 0.0.0.0 port " + port + "...done"; });
  ASSERT_TRUE(established()) << story();
  std::string lines;  // it takes no more than a kilobyte at a time, and only text
  for (unsigned i = 0; lines.size() < much_data().size(); ++i) lines += std::to_string(i * 2654435761u) + "\n";
  machine().send(lines);
  ASSERT_TRUE(received(lines.size())) << story();
  EXPECT_EQ(sha256(machine().received()), sha256(lines));
  expect_path();
}

// What it serves is in the test's own directory. Root stays root, which is all there is in a sandbox.
std::string nginx_configuration(const std::string& port) {
  const std::string directory = scratch_directory();
  std::string text = std::string(geteuid() == 0 ? "user root;\n" : "") + "daemon off; master_process off; pid " +
                     directory + "/nginx.pid;\nevents {}\nhttp { access_log off;\n";
  for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
    text += std::string(kind) + "_temp_path " + directory + "/" + kind + ";\n";
  return text + "server { listen 127.0.0.1:" + port + " ssl; ssl_protocols TLSv1.2 TLSv1.3; root " + directory +
         ";\nssl_certificate " + certificate_file(kKey) + "; ssl_certificate_key " + key_file(kKey) + "; } }\n";
}

TEST_P(RecordPathClient, FetchesTenMegabytesOfNginx) {
  trust();
  const std::string name = much_data_file();
  const auto nginx = [](const std::string& port) {
    const std::string file = scratch_file("nginx.conf");
    write_file(file, nginx_configuration(port));
    return Words{"/usr/sbin/nginx",         "-p", scratch_directory(), "-e", "stderr", "-c", file, "-g",
                 "error_log stderr notice;"};
  };
  start_and_connect(nginx, [](const std::string&) { return "using the \"epoll\" event method"; });
  ASSERT_TRUE(established()) << story();
  const std::string get = "GET " + name.substr(name.rfind('/')) + " HTTP/1.1\r\nHost: localhost\r\n";
  machine().send(get + "\r\n");
  ASSERT_TRUE(machine_receives("\r\n\r\n")) << story();
  const std::size_t body = machine().received().find("\r\n\r\n") + 4;
  ASSERT_TRUE(received(body + much_data().size())) << story();
  EXPECT_EQ(sha256(machine().received().substr(body)), sha256(much_data()));
  expect_path();
  machine().send(get + "Connection: close\r\n\r\n");
  EXPECT_TRUE(close_notify_received()) << story();
}

}  // namespace
}  // namespace openssl_event::interop
