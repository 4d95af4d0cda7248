// What https_server looks up: sessions in a memcached that two servers share, certificates by name, staples, ticket
// keys. The clients are openssl s_client, curl and gnutls-cli; the memcached and the OCSP responder are real.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "tests/examples/ocsp_responder.h"
#include "tests/examples/server.h"

namespace {

const std::string kHttp10 = "GET / HTTP/1.0\r\n\r\n";

std::string temporary(const std::string& name) { return std::string(std::getenv("TEST_TMPDIR")) + "/" + name; }

// A port that was free a moment ago.
int free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(bind(fd, generic, size), 0);
  getsockname(fd, generic, &size);
  close(fd);
  return ntohs(address.sin_port);
}

// A connected socket; -1 if nobody listens.
int connect_to(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

bool answers(int port) {
  const int fd = connect_to(port);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

bool wait_until_answers(int port) {
  for (int i = 0; i < 500 && !answers(port); ++i) usleep(20'000);
  return answers(port);
}

std::unique_ptr<Process> start_memcached(int port, const Command& flags = {}) {
  Command command = {"memcached", "-l", "127.0.0.1", "-p", std::to_string(port), "-u", "root"};
  command.insert(command.end(), flags.begin(), flags.end());
  auto process = std::make_unique<Process>(command);
  EXPECT_TRUE(wait_until_answers(port));
  return process;
}

// Takes the memory of every size that a session may have.
void fill_memcached(int port) {
  const int fd = connect_to(port);
  std::string commands;
  for (std::size_t size = 50; size < 1000; size += 25) {
    for (std::size_t i = 0; i < (2u << 20) / (size + 60); ++i)
      commands += "set k" + std::to_string(size) + "-" + std::to_string(i) + " 0 0 " + std::to_string(size) +
                  " noreply\r\n" + std::string(size, 'x') + "\r\n";
  }
  commands += "version\r\n";
  for (std::size_t sent = 0; sent < commands.size();) {
    const ssize_t n = write(fd, commands.data() + sent, commands.size() - sent);
    ASSERT_GT(n, 0);
    sent += static_cast<std::size_t>(n);
  }
  std::string answer(200, '\0');
  EXPECT_GT(read(fd, answer.data(), answer.size()), 0);
  close(fd);
}

void openssl(const Command& arguments) {
  Command command = {"openssl"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const Result result = run(command);
  EXPECT_EQ(result.status, 0) << result.errors;
}

void make_certificate(const std::string& name, const std::string& key, const std::string& certificate) {
  openssl({"req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=" + name,
           "-keyout", key, "-out", certificate});
}

std::string ask(const Server& server, const Command& arguments) {
  Command command = s_client(server, {"-ign_eof"});
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run(command, kHttp10).output;
}

bool is_resumed(const std::string& output) { return contains(output, "Reused, TLSv1."); }

// ---- Sessions ----

const std::string kStored = "openssl_event_session_stores_total{result=\"stored\"}";
const std::string kHits = "openssl_event_session_lookups_total{result=\"hit\"}";
const std::string kMisses = "openssl_event_session_lookups_total{result=\"miss\"}";
const std::string kFailures = "openssl_event_session_lookups_total{result=\"failed\"}";

struct SharedSessions : testing::TestWithParam<const char*> {
  SharedSessions() { make_certificate("localhost", key, certificate); }

  std::unique_ptr<Server> start(const Command& flags = {}) {
    Command command = https_server(
        {"--cert", certificate, "--key", key, "--session-cache", "memcached:127.0.0.1:" + std::to_string(port)});
    command.insert(command.end(), flags.begin(), flags.end());
    return std::make_unique<Server>(command);
  }
  // A full handshake whose session is in the file, and in the store.
  void make_session(Server& server) {
    EXPECT_FALSE(is_resumed(ask(server, {GetParam(), "-sess_out", session})));
    for (int i = 0; i < 300 && server.metric(kStored) < 1; ++i) usleep(20'000);
  }
  bool resumes(const Server& server) { return is_resumed(ask(server, {GetParam(), "-sess_in", session})); }

  const std::string key = temporary("key.pem"), certificate = temporary("cert.pem"), session = temporary("session");
  const int port = free_port();
  std::unique_ptr<Process> memcached = start_memcached(port);
};

TEST_P(SharedSessions, AreResumedAtAnotherServer) {
  const auto first = start(), second = start();
  make_session(*first);
  EXPECT_TRUE(resumes(*second));
  EXPECT_EQ(second->metric(kHits), 1);
  EXPECT_EQ(second->metric("openssl_event_resumptions_total"), 1);
}

TEST_P(SharedSessions, AreResumedAfterARestart) {
  auto server = start();
  make_session(*server);
  EXPECT_EQ(server->stop(), 0);
  server = start();
  EXPECT_TRUE(resumes(*server));
}

TEST_P(SharedSessions, OfAnotherSecretAreNotOpened) {
  const std::string secret = temporary("secret");
  std::ofstream(secret) << "something else";
  const auto first = start(), second = start({"--session-secret", secret});
  make_session(*first);
  EXPECT_FALSE(resumes(*second));
  EXPECT_EQ(second->metric(kFailures), 1);
}

TEST_P(SharedSessions, AreMissedAfterMemcachedWasRestarted) {
  const auto server = start();
  make_session(*server);
  memcached.reset();
  memcached = start_memcached(port);
  EXPECT_FALSE(resumes(*server));
  EXPECT_EQ(server->metric(kMisses) + server->metric(kFailures), 1);
  sleep(1);  // the store is left alone for so long after a failure
  make_session(*server);
  EXPECT_TRUE(resumes(*server));
}

TEST_P(SharedSessions, AreMissedWhenMemcachedIsGone) {
  const auto server = start();
  make_session(*server);
  memcached.reset();
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(resumes(*server));
  EXPECT_EQ(server->metric(kFailures), 3);
}

TEST_P(SharedSessions, AreMissedWhenMemcachedHangs) {
  const auto server = start();
  make_session(*server);
  memcached->signal(SIGSTOP);
  EXPECT_FALSE(resumes(*server));
  EXPECT_EQ(server->metric(kFailures), 1);
  memcached->signal(SIGCONT);
}

TEST_P(SharedSessions, CountWhatAFullMemcachedRefuses) {
  memcached.reset();
  memcached = start_memcached(port, {"-M", "-m", "2"});
  fill_memcached(port);
  const auto server = start();
  EXPECT_FALSE(is_resumed(ask(*server, {GetParam(), "-sess_out", session})));
  EXPECT_FALSE(resumes(*server));
  EXPECT_EQ(server->metric(kStored), 0);
  EXPECT_GT(server->metric("openssl_event_session_stores_total{result=\"failed\"}"), 0);
}

INSTANTIATE_TEST_SUITE_P(Versions, SharedSessions, testing::Values("-tls1_2", "-tls1_3"),
                         [](const auto& version) { return std::string("Tls1") + version.param[6]; });

// gnutls-cli waits no longer than 50 ms for a ticket, which a busy machine does not always keep.
TEST(SharedSessionsOfOtherClients, AreResumedByGnutls) {
  const std::string key = temporary("key.pem"), certificate = temporary("cert.pem");
  make_certificate("localhost", key, certificate);
  const int port = free_port();
  const auto memcached = start_memcached(port);
  Server server(https_server(
      {"--cert", certificate, "--key", key, "--session-cache", "memcached:127.0.0.1:" + std::to_string(port)}));
  for (int tries = 0; tries < 20 && server.metric("openssl_event_resumptions_total") == 0; ++tries)
    run({"gnutls-cli", "--insecure", "--resume", "-p", std::to_string(server.port()), "127.0.0.1"}, kHttp10);
  EXPECT_GE(server.metric("openssl_event_resumptions_total"), 1);
  EXPECT_GE(server.metric(kHits), 1);
}

// ---- Certificates by name ----

struct CertificateDirectory : testing::Test {
  CertificateDirectory() {
    std::filesystem::create_directories(directory);
    put("a.example", "a.example");
    put("_.b.example", "anything below b");
  }
  ~CertificateDirectory() override { std::filesystem::remove_all(directory); }

  void put(const std::string& file, const std::string& name) {
    make_certificate(name, temporary("key"), temporary("certificate"));
    std::ofstream both(directory + "/" + file + ".tmp");
    both << std::ifstream(temporary("certificate")).rdbuf() << std::ifstream(temporary("key")).rdbuf();
    both.close();
    std::filesystem::rename(directory + "/" + file + ".tmp", directory + "/" + file + ".pem");
  }
  static std::string subject(const Server& server, const std::string& name) {
    return between(run(s_client(server, {"-servername", name}), "Q\n").output, "subject=CN = ", "\n");
  }
  const std::string directory = temporary("certificates");
};

TEST_F(CertificateDirectory, IsAskedByServerName) {
  Server server(https_server({"--cert-dir", directory}));
  EXPECT_EQ(subject(server, "a.example"), "a.example");
  EXPECT_EQ(subject(server, "A.Example"), "a.example");
  EXPECT_EQ(subject(server, "www.b.example"), "anything below b");
  EXPECT_EQ(subject(server, "b.example"), "localhost");
  EXPECT_EQ(subject(server, "../certificates/a.example"), "localhost");
  EXPECT_EQ(server.metric("openssl_event_certificates_total{result=\"loaded\"}"), 2);
  EXPECT_EQ(run(curl({"--resolve", "a.example:" + std::to_string(server.port()) + ":127.0.0.1",
                      "https://a.example:" + std::to_string(server.port()) + "/"}))
                .status,
            0);
}

TEST_F(CertificateDirectory, IsReadAgainWhenAFileChanges) {
  Server server(https_server({"--cert-dir", directory}));
  EXPECT_EQ(subject(server, "a.example"), "a.example");
  put("a.example", "a new one");
  sleep(1);  // what was seen is believed for so long
  usleep(100'000);
  EXPECT_EQ(subject(server, "a.example"), "a new one");
}

TEST_F(CertificateDirectory, RefusesAnUnknownNameIfAskedTo) {
  Server server(https_server({"--cert-dir", directory, "--refuse-unknown"}));
  const Result result = run(s_client(server, {"-servername", "c.example"}), "Q\n");
  EXPECT_TRUE(contains(result.errors, "unrecognized name")) << result.errors;
  EXPECT_EQ(subject(server, "a.example"), "a.example");
  EXPECT_EQ(server.metric("openssl_event_certificates_total{result=\"unknown\"}"), 1);
}

// ---- Ticket keys ----

struct TicketKeys : testing::Test {
  static void put(const std::string& keys) {
    std::ofstream(temporary("keys.tmp")) << keys;
    std::filesystem::rename(temporary("keys.tmp"), temporary("keys"));
  }
  static Command command() {
    return https_server(
        {"--cert", temporary("cert.pem"), "--key", temporary("key.pem"), "--ticket-keys", temporary("keys")});
  }
  TicketKeys() {
    make_certificate("localhost", temporary("key.pem"), temporary("cert.pem"));
    put(old_key);
  }
  static bool resumes(const Server& server, const char* version) {
    return is_resumed(ask(server, {version, "-sess_in", temporary("session")}));
  }
  // Each question is a connection, which makes the server look at the file.
  static bool wait_until_read(Server& server, double times) {
    return server.wait_for_metric("openssl_event_ticket_keys_total{result=\"loaded\"}", times);
  }
  const std::string old_key = std::string(80, 'a'), new_key = std::string(80, 'b');
};

TEST_F(TicketKeys, AreSharedByServers) {
  Server first(command()), second(command());
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    ask(first, {version, "-sess_out", temporary("session")});
    EXPECT_TRUE(resumes(second, version)) << version;
  }
}

TEST_F(TicketKeys, AreRotated) {
  Server first(command()), second(command());
  ask(first, {"-tls1_3", "-sess_out", temporary("session")});
  put(new_key + old_key);
  EXPECT_TRUE(wait_until_read(second, 2));
  EXPECT_TRUE(resumes(second, "-tls1_3"));  // the old key still opens
  ask(second, {"-tls1_3", "-sess_out", temporary("session")});
  EXPECT_TRUE(resumes(first, "-tls1_3"));  // the first one meets a key that it does not know, and reads the file
  put(std::string(80, 'c'));
  EXPECT_TRUE(wait_until_read(second, 3));
  EXPECT_FALSE(resumes(second, "-tls1_3"));
}

TEST_F(TicketKeys, OfAWrongSizeAreRefusedAtTheStart) {
  put("short");
  const Result result = run(command());
  EXPECT_NE(result.status, 0);
  EXPECT_TRUE(contains(result.errors, "keys of 80 bytes")) << result.errors;
}

// ---- OCSP ----

// A CA with its responder, and a certificate that it has signed.
struct Stapling : testing::Test {
  Stapling() {
    make_certificate("a CA", temporary("ca.key"), temporary("ca.pem"));
    openssl({"req", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=stapled", "-keyout",
             temporary("leaf.key"), "-out", temporary("leaf.csr")});
    openssl({"x509", "-req", "-in", temporary("leaf.csr"), "-CA", temporary("ca.pem"), "-CAkey", temporary("ca.key"),
             "-set_serial", "0x1234", "-days", "2", "-out", temporary("leaf.pem")});
    std::ofstream chain(temporary("chain.pem"));
    chain << std::ifstream(temporary("leaf.pem")).rdbuf() << std::ifstream(temporary("ca.pem")).rdbuf();
  }
  void start_responder(const std::string& status = "V\t350101000000Z\t\t1234\tunknown\t/CN=stapled\n") {
    std::ofstream(temporary("index")) << status;
    responder = std::make_unique<Process>(Command{"openssl", "ocsp", "-index", temporary("index"), "-port",
                                                  std::to_string(port), "-rsigner", temporary("ca.pem"), "-rkey",
                                                  temporary("ca.key"), "-CA", temporary("ca.pem"), "-nmin", "60"});
    ASSERT_TRUE(responder->wait_for_output("ACCEPT"));  // a connection without a request would keep it busy
  }
  static Command command_with(const std::string& url) {
    return https_server({"--cert", temporary("chain.pem"), "--key", temporary("leaf.key"), "--staple",
                         "--ocsp-responder", url});
  }
  Command command() const { return command_with("http://127.0.0.1:" + std::to_string(port) + "/"); }
  static std::string status(const Server& server, const char* version) {
    return run(s_client(server, {"-status", version, "-CAfile", temporary("ca.pem")}), "Q\n").output;
  }
  const int port = free_port();
  std::unique_ptr<Process> responder;
};

TEST_F(Stapling, SendsWhatTheResponderSays) {
  start_responder();
  Server server(command());
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    const std::string output = status(server, version);
    EXPECT_TRUE(contains(output, "OCSP Response Status: successful")) << output;
    EXPECT_TRUE(contains(output, "Cert Status: good")) << output;
  }
  EXPECT_EQ(server.metric("openssl_event_staples_total{result=\"fetched\"}"), 1);  // the second one was kept
  EXPECT_EQ(server.metric("openssl_event_staples_total{result=\"sent\"}"), 2);
  EXPECT_EQ(run({"curl", "-sS", "--cert-status", "--cacert", temporary("ca.pem"), "--resolve",
                 "stapled:" + std::to_string(server.port()) + ":127.0.0.1",
                 "https://stapled:" + std::to_string(server.port()) + "/"})
                .status,
            0);
}

TEST_F(Stapling, SendsNothingIfTheResponderIsAway) {
  Server server(command());
  EXPECT_TRUE(contains(status(server, "-tls1_3"), "OCSP response: no response sent"));
  EXPECT_TRUE(contains(status(server, "-tls1_3"), "OCSP response: no response sent"));
  EXPECT_EQ(server.metric("openssl_event_staples_total{result=\"failed\"}"), 1);  // and is not asked again at once
}

TEST_F(Stapling, SendsNothingForARevokedCertificate) {
  start_responder("R\t350101000000Z\t200101000000Z\t1234\tunknown\t/CN=stapled\n");
  Server server(command());
  EXPECT_TRUE(contains(status(server, "-tls1_3"), "OCSP response: no response sent"));
}

// Half of its time, which is 12 seconds here, before a staple ends. Whoever comes then gets the old one, and does not wait.
TEST_F(Stapling, IsFetchedAgainBeforeItEnds) {
  OcspResponder brief(temporary("ca.pem"), temporary("ca.key"), 12);
  Server server(command_with(brief.url()));
  const auto staple = [&server] { return between(status(server, "-tls1_3"), "Next Update: ", "\n"); };
  const std::string first = staple();
  EXPECT_NE(first, "");
  EXPECT_EQ(brief.requests(), 1);
  brief.hold();
  for (int i = 0; i < 300 && brief.requests() < 2; ++i) {
    EXPECT_EQ(staple(), first);
    usleep(50'000);
  }
  EXPECT_EQ(brief.requests(), 2);
  brief.let_go();
  EXPECT_TRUE(server.wait_for_metric("openssl_event_staples_total{result=\"fetched\"}", 2));
  const std::string second = staple();
  EXPECT_NE(second, "");
  EXPECT_NE(second, first);
}

}  // namespace
