// Fixtures of verbs: our machine as a server that another program connects to, or as a client of one.
#ifndef TESTS_INTEROP_FIXTURE_H
#define TESTS_INTEROP_FIXTURE_H

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/interop/child.h"
#include "tests/interop/connection.h"
#include "tests/interop/surroundings.h"

namespace openssl_event::interop {

using Words = std::vector<std::string>;

inline Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

class InteropTest : public ::testing::Test {
 protected:
  Connection& machine() { return *connection_; }
  Child& peer() { return *peer_; }

  bool established() { return connection_ && connection_->run_until_established(&*peer_); }
  bool machine_receives(std::string_view text) { return connection_->run_until_received(text, &*peer_); }
  bool peer_says(std::string_view text, int times = 1) {
    return connection_->run_until([&] { return peer_->times_said(text) >= times; }, &*peer_);
  }
  bool close_notify_received() {
    return connection_->run_until([&] { return connection_->close_notify_received(); }, &*peer_);
  }
  // Data in both directions, each distinct from what went before.
  bool data_flows() {
    const std::string mark = std::to_string(++marks_);
    machine().send("from the machine " + mark + "\n");
    peer().write("from the peer " + mark + "\n");
    return machine_receives("from the peer " + mark + "\n") && peer_says("from the machine " + mark);
  }

  // What happened, for the message of a failure.
  std::string story() const {
    return "machine:\n" + (connection_ ? end_of(connection_->log()) : "") + "peer:\n" +
           (peer_ ? end_of(peer_->output()) : "");
  }

  testing::Context context_;
  std::optional<Child> peer_;
  std::optional<Connection> connection_;

 private:
  static std::string end_of(const std::string& text) {
    constexpr std::size_t kEnough = 4000;
    return text.size() <= kEnough ? text : "..." + text.substr(text.size() - kEnough);
  }

  int marks_ = 0;
};

// The machine is the server.
class ServerTest : public InteropTest {
 protected:
  void serve(int version, KeyType key = KeyType::kEcP256) {
    context_ = testing::make_server_context(version, key, true);
  }
  std::string port() const { return listener_.port(); }

  // Starts the program and takes its connection.
  void run(const Words& command, const Child::Files& files = {}) {
    connection_.reset();
    peer_.emplace(command, files);
    const int socket = listener_.accept(*peer_);
    ASSERT_GE(socket, 0) << "no connection came\n" << story();
    SSL* ssl = testing::make_ssl(context_.get(), testing::Role::kServer).release();
    connection_.emplace(ssl, socket);
  }

 private:
  Listener listener_;
};

// The machine is the client.
class ClientTest : public InteropTest {
 protected:
  void trust(int version, KeyType key = KeyType::kEcP256) { context_ = testing::make_client_context(version, key); }

  // Starts an `openssl s_server` on a port of the system's choice, which it says: that port.
  std::string start_s_server(const Words& command, const Child::Files& files = {}) {
    peer_.emplace(command, files);
    const std::string before = "ACCEPT 127.0.0.1:";
    if (!peer_->wait_until_said(before) || !peer_->wait_until_said("\n")) return {};
    const std::string& said = peer_->output();
    const std::size_t at = said.find(before) + before.size();
    return said.substr(at, said.find('\n', at) - at);
  }

  void connect(const std::string& port, SSL_SESSION* session = nullptr) {
    connection_.reset();
    const int socket = connect_to(port);
    ASSERT_GE(socket, 0) << "nobody listens\n" << story();
    SSL* ssl = testing::make_ssl(context_.get(), testing::Role::kClient).release();
    if (session) SSL_set_session(ssl, session);
    if (!alpn_.empty())
      SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(alpn_.data()),
                          static_cast<unsigned>(alpn_.size()));
    connection_.emplace(ssl, socket);
  }

  std::string alpn_;  // in wire format
};

// For parameters of a key and a version, or of one of them.
inline std::string name_of(KeyType key) { return testing::key_type_name(key); }
inline std::string name_of(int version) { return version_name(version); }
template <typename... Parts>
std::string name_of(const std::tuple<Parts...>& parts) {
  return std::apply([](const auto&... part) { return (name_of(part) + ...); }, parts);
}
struct NameOfParameter {
  template <typename Parameter>
  std::string operator()(const ::testing::TestParamInfo<Parameter>& info) const {
    return name_of(info.param);
  }
};

using KeyAndVersion = std::tuple<KeyType, int>;
inline const auto kBothVersions = ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION);
inline const auto kEveryKeyInBothVersions = ::testing::Combine(::testing::ValuesIn(kEveryKey), kBothVersions);

}  // namespace openssl_event::interop

#endif
