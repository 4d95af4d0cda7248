// The events of whole connections, as tests/transcripts/*.txt shows them, however the network cuts the bytes.
// UPDATE_TRANSCRIPTS=directory writes the files instead: read what changed before you keep it.
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/support/pair.h"
#include "tests/support/transcript.h"

namespace openssl_event::testing {
namespace {

// A client and a server, their transcripts, and the verbs of the cases below.
class Session {
 public:
  Session(int version, std::size_t chunk) : pair_(version, KeyType::kEcP256, true), chunk_(chunk) {}

  void demand_client_certificate() {
    use_key(pair_.client_context.get(), KeyType::kEcP256, true);
    trust(pair_.server_context.get(), KeyType::kEcP256);
    demand_certificate(pair_.server_context.get());
  }
  void trust_nobody() { pair_.client_context = make_client_context(TLS1_3_VERSION, KeyType::kRsa); }
  void allow_renegotiation() {
    SSL_CTX_set_options(pair_.server_context.get(), SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
    renegotiation_ = true;
  }
  void fail_calls() { fails_calls_ = true; }

  void connect() {
    make();
    exchange();
  }
  void make() {
    client = pair_.machine_client();
    server = pair_.machine_server();
    for (MachineEnd* end : {client.get(), server.get()}) openssl_allowRenegotiation(end->tls(), renegotiation_);
    if (fails_calls_) {
      server->on_call = [this](OPENSSL_EVENT* e) {
        openssl_failCall(e, "no key today");
        openssl_putEvent(server->tls(), e);
      };
    }
    client_events_ = std::make_unique<Transcript>(client->tls());
    server_events_ = std::make_unique<Transcript>(server->tls());
  }
  // Connects, closes, and connects again with the session.
  void resume() {
    connect();
    client->close_output();
    server->close_output();
    exchange();
    SSL_SESSION* session = SSL_get1_session(client->ssl());
    auto old_client = std::move(client);
    auto old_server = std::move(server);
    auto old_events = std::pair(std::move(client_events_), std::move(server_events_));
    make();
    SSL_set_session(client->ssl(), session);
    SSL_SESSION_free(session);
    old_client.reset();
    old_server.reset();
    exchange();
  }
  void exchange() { carry(*client, *server, chunk_); }
  std::string text() const {
    return "client\n------\n" + client_events_->text() + "\nserver\n------\n" + server_events_->text();
  }

 private:
  Pair pair_;
  std::size_t chunk_;
  bool renegotiation_ = false;
  bool fails_calls_ = false;
  std::unique_ptr<Transcript> client_events_, server_events_;

 public:
  std::unique_ptr<MachineEnd> client, server;  // last: they write their transcripts to the end
};

struct Case {
  int version;
  void (*play)(Session&);
};

void full(Session& s) { s.connect(); }
void resumed(Session& s) { s.resume(); }
void client_certificate(Session& s) {
  s.demand_client_certificate();
  s.connect();
}
void data(Session& s) {
  s.connect();
  s.client->send("question");
  s.exchange();
  s.server->send(std::string(40000, 'a'));
  s.exchange();
}
void half_close(Session& s) {
  s.connect();
  s.client->send("question");
  s.client->close_output();
  s.exchange();
  s.server->send("answer");
  s.server->close_output();
  s.exchange();
}
void server_closes_first(Session& s) {
  s.connect();
  s.server->close_output();
  s.exchange();
  s.client->close_output();
  s.exchange();
}
void key_update(Session& s) {
  s.connect();
  s.client->send("old key");
  openssl_updateKey(s.client->tls(), 1);
  s.client->send("new key");
  s.exchange();
  s.server->send("new key too");
  s.exchange();
}
void renegotiation(Session& s) {
  s.allow_renegotiation();
  s.connect();
  s.client->send("before");
  s.client->renegotiate();
  s.client->send("after");
  s.exchange();
}
void truncated(Session& s) {
  s.connect();
  s.client->send("half a qu");
  s.exchange();
  s.server->end_input();
  s.exchange();
}
void bad_record(Session& s) {
  s.connect();
  s.server->receive(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
  s.exchange();
}
void plain_http(Session& s) {
  s.make();
  s.server->receive("GET / HTTP/1.1\r\n\r\n");
  s.server->work();
}
void untrusted_certificate(Session& s) {
  s.trust_nobody();
  s.connect();
}
void failed_call(Session& s) {
  s.fail_calls();
  s.connect();
}
void no_common_version(Session& s) {
  s.make();
  SSL_set_min_proto_version(s.client->ssl(), TLS1_3_VERSION);
  SSL_set_max_proto_version(s.client->ssl(), TLS1_3_VERSION);
  s.exchange();
}

const std::map<std::string, Case>& cases() {
  static const std::map<std::string, Case> all = {
      {"tls13_full", {TLS1_3_VERSION, full}},
      {"tls13_resumed", {TLS1_3_VERSION, resumed}},
      {"tls13_client_certificate", {TLS1_3_VERSION, client_certificate}},
      {"tls13_data", {TLS1_3_VERSION, data}},
      {"tls13_half_close", {TLS1_3_VERSION, half_close}},
      {"tls13_server_closes_first", {TLS1_3_VERSION, server_closes_first}},
      {"tls13_key_update", {TLS1_3_VERSION, key_update}},
      {"tls13_truncated", {TLS1_3_VERSION, truncated}},
      {"tls13_bad_record", {TLS1_3_VERSION, bad_record}},
      {"tls13_untrusted_certificate", {TLS1_3_VERSION, untrusted_certificate}},
      {"tls13_failed_call", {TLS1_3_VERSION, failed_call}},
      {"tls12_full", {TLS1_2_VERSION, full}},
      {"tls12_resumed", {TLS1_2_VERSION, resumed}},
      {"tls12_client_certificate", {TLS1_2_VERSION, client_certificate}},
      {"tls12_data", {TLS1_2_VERSION, data}},
      {"tls12_half_close", {TLS1_2_VERSION, half_close}},
      {"tls12_renegotiation", {TLS1_2_VERSION, renegotiation}},
      {"tls12_bad_record", {TLS1_2_VERSION, bad_record}},
      {"tls12_failed_call", {TLS1_2_VERSION, failed_call}},
      {"tls12_no_common_version", {TLS1_2_VERSION, no_common_version}},
      {"plain_http", {TLS1_2_VERSION, plain_http}},
  };
  return all;
}

std::string played(const Case& c, std::size_t chunk) {
  Session session(c.version, chunk);
  c.play(session);
  return session.text();
}

std::string expected(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream("tests/transcripts/" + name + ".txt").rdbuf();
  return text.str();
}

class TranscriptOf : public ::testing::TestWithParam<std::string> {};

TEST_P(TranscriptOf, IsTheSameForEachCutOfTheNetwork) {
  const Case& c = cases().at(GetParam());
  if (const char* directory = std::getenv("UPDATE_TRANSCRIPTS"))
    std::ofstream(std::string(directory) + '/' + GetParam() + ".txt") << played(c, SIZE_MAX);
  const std::string text = expected(GetParam());
  for (const std::size_t chunk : {SIZE_MAX, std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7},
                                  std::size_t{64}, std::size_t{1000}, std::size_t{16400}})
    EXPECT_EQ(played(c, chunk), text) << "chunks of " << chunk;
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& [name, unused] : cases()) all.push_back(name);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Cases, TranscriptOf, ::testing::ValuesIn(names()), [](const auto& c) { return c.param; });

}  // namespace
}  // namespace openssl_event::testing
