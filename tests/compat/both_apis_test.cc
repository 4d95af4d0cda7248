// One connection, both APIs: the network core works by events, a module of the program by SSL_read and SSL_write.
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <algorithm>
#include <utility>

#include "compat/compat.h"
#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

// The core of it is a loop of events; send(), received() and closed_in() are the module's.
class SharedEnd : public End {
 public:
  explicit SharedEnd(Ssl ssl) : ssl_(std::move(ssl)), tls_(openssl_new(ssl_.get())) {
    EXPECT_TRUE(openssl_enableClassic(tls_));
  }
  ~SharedEnd() override { openssl_free(tls_); }

  void work() override {
    do {
      while (OPENSSL_EVENT* e = openssl_getEvent(tls_)) handle(e);
    } while (run_module());
  }
  void receive(std::string_view bytes) override {
    while (!bytes.empty()) {
      size_t taken = 0;
      if (OPENSSL_EVENT* e = openssl_buildFrame(tls_, bytes.data(), bytes.size(), &taken)) openssl_putEvent(tls_, e);
      bytes.remove_prefix(taken);
    }
  }
  void end_input() override { openssl_endInput(tls_); }
  std::string take_output() override { return std::exchange(output_, {}); }
  void send(std::string_view data) override { unsent_ += data; }
  void close_output() override { close_requested_ = true; }
  void renegotiate() override {}
  SSL* ssl() const override { return ssl_.get(); }
  bool established() const override { return SSL_do_handshake(ssl()) == 1; }
  bool failed() const override { return failed_; }
  unsigned long error() const override { return error_; }
  bool closed_in() const override { return closed_in_; }

  openssl_t* tls() const { return tls_; }
  void free_machine() { openssl_free(std::exchange(tls_, nullptr)); }
  bool reads = true;             // the module does
  std::size_t portion = 16384;   // of which it reads and writes

 private:
  void handle(OPENSSL_EVENT* e) {
    switch (e->kind) {
      case OPENSSL_RECORD_OUT_KIND:
        output_.append(e->r.buf, static_cast<std::size_t>(e->r.len));
        openssl_putEvent(tls_, e);
        break;
      case OPENSSL_ENGINE_CALL_OUT_KIND:
        e->e.engine->call(e);
        openssl_putEvent(tls_, e);
        break;
      case OPENSSL_CLEARTEXT_OUT_KIND:
      case OPENSSL_STATUS_OUT_KIND: EXPECT_TRUE(openssl_giveClassic(tls_, e)); break;
      default: openssl_freeEvent(e);
    }
  }

  // True if the core has something to do after it.
  bool run_module() {
    bool wrote = false;
    while (!unsent_.empty()) {
      const int value = SSL_write(ssl(), unsent_.data(), static_cast<int>(std::min(portion, unsent_.size())));
      if (value <= 0) break;
      unsent_.erase(0, static_cast<std::size_t>(value));
      wrote = true;
    }
    if (reads) read();
    if (close_requested_ && unsent_.empty() && !std::exchange(closed_out_, true)) {
      SSL_shutdown(ssl());
      wrote = true;
    }
    return wrote;
  }

  void read() {
    std::string buf(portion, '\0');
    int value;
    while ((value = SSL_read(ssl(), buf.data(), static_cast<int>(buf.size()))) > 0)
      received_.append(buf, 0, static_cast<std::size_t>(value));
    switch (SSL_get_error(ssl(), value)) {
      case SSL_ERROR_WANT_READ: break;
      case SSL_ERROR_ZERO_RETURN: closed_in_ = true; break;
      default:
        if (!std::exchange(failed_, true)) error_ = ERR_peek_error();
    }
    ERR_clear_error();
  }

  Ssl ssl_;
  openssl_t* tls_;
  std::string output_, unsent_;
  bool close_requested_ = false, closed_out_ = false, closed_in_ = false, failed_ = false;
  unsigned long error_ = 0;
};

class BothApis : public BothVersions {
 protected:
  void connect() {
    carry(*client, *server);
    ASSERT_EQ(SSL_do_handshake(server->ssl()), 1);
  }
  Pair pair{GetParam(), KeyType::kEcP256, true};
  std::unique_ptr<PlainEnd> client = pair.plain_client();
  std::unique_ptr<SharedEnd> server = std::make_unique<SharedEnd>(pair.server_ssl());
};
FOR_BOTH_VERSIONS(BothApis);

std::string pattern(std::size_t size) {
  std::string data(size, '\0');
  for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<char>(i * 31 % 251);
  return data;
}

TEST_P(BothApis, DataFlowsBothWays) {
  connect();
  for (const std::size_t size : {1u, 100u, 16384u, 16385u, 300000u}) {
    const std::size_t before_server = server->received().size(), before_client = client->received().size();
    client->send(pattern(size));
    server->send(pattern(size));
    carry(*client, *server);
    EXPECT_EQ(server->received().substr(before_server), pattern(size));
    EXPECT_EQ(client->received().substr(before_client), pattern(size));
  }
}

TEST_P(BothApis, AModuleMayReadByteByByte) {
  connect();
  server->portion = 1;
  client->send(pattern(1000));
  carry(*client, *server);
  EXPECT_EQ(server->received(), pattern(1000));
}

TEST_P(BothApis, PeekLeavesWhatItShows) {
  connect();
  server->reads = false;
  client->send("first");
  client->send("second");
  carry(*client, *server);
  char buf[64];
  EXPECT_EQ(SSL_pending(server->ssl()), 11);
  EXPECT_EQ(SSL_has_pending(server->ssl()), 1);
  EXPECT_EQ(SSL_peek(server->ssl(), buf, sizeof buf), 11);
  size_t taken = 0;
  EXPECT_EQ(SSL_peek_ex(server->ssl(), buf, 3, &taken), 1);
  EXPECT_EQ(taken, 3u);
  EXPECT_EQ(SSL_read_ex(server->ssl(), buf, 7, &taken), 1);
  EXPECT_EQ(std::string(buf, taken), "firstse");
  EXPECT_EQ(SSL_pending(server->ssl()), 4);
  EXPECT_EQ(SSL_read(server->ssl(), buf, sizeof buf), 4);
  EXPECT_EQ(SSL_pending(server->ssl()), 0);
}

TEST_P(BothApis, BeforeTheHandshakeItWantsToRead) {
  char byte;
  EXPECT_EQ(SSL_read(server->ssl(), &byte, 1), -1);
  EXPECT_EQ(SSL_get_error(server->ssl(), -1), SSL_ERROR_WANT_READ);
  EXPECT_EQ(SSL_want(server->ssl()), SSL_READING);
  EXPECT_EQ(SSL_write(server->ssl(), "x", 1), -1);
  EXPECT_EQ(SSL_get_error(server->ssl(), -1), SSL_ERROR_WANT_READ);
  EXPECT_EQ(SSL_accept(server->ssl()), -1);
  EXPECT_EQ(SSL_get_error(server->ssl(), -1), SSL_ERROR_WANT_READ);
}

// A slow network holds the module back, instead of filling memory.
TEST_P(BothApis, WritingWaitsWhileMuchIsUnsent) {
  connect();
  const std::string block = pattern(16384);
  std::size_t taken = 0;
  int value;
  while ((value = SSL_write(server->ssl(), block.data(), static_cast<int>(block.size()))) > 0)
    taken += static_cast<std::size_t>(value);
  EXPECT_EQ(SSL_get_error(server->ssl(), value), SSL_ERROR_WANT_WRITE);
  EXPECT_EQ(SSL_want(server->ssl()), SSL_WRITING);
  EXPECT_EQ(taken, std::size_t{OPENSSL_CLASSIC_MAX_UNSENT});
  carry(*client, *server);
  EXPECT_EQ(client->received().size(), taken);
  EXPECT_EQ(SSL_write(server->ssl(), block.data(), 1), 1);
}

TEST_P(BothApis, CloseNotifyComesAfterTheData) {
  connect();
  client->send("last words");
  client->close_output();
  server->reads = false;
  carry(*client, *server);
  char buf[64];
  EXPECT_EQ(SSL_shutdown(server->ssl()), 0);
  EXPECT_EQ(SSL_read(server->ssl(), buf, sizeof buf), 10);
  EXPECT_EQ(SSL_read(server->ssl(), buf, sizeof buf), 0);
  EXPECT_EQ(SSL_get_error(server->ssl(), 0), SSL_ERROR_ZERO_RETURN);
  EXPECT_EQ(SSL_shutdown(server->ssl()), 1);
}

TEST_P(BothApis, ShutdownSendsCloseNotify) {
  connect();
  server->send("answer");
  server->close_output();
  carry(*client, *server);
  EXPECT_EQ(client->received(), "answer");
  EXPECT_TRUE(client->closed_in());
  EXPECT_EQ(SSL_write(server->ssl(), "x", 1), -1);
  EXPECT_EQ(SSL_get_error(server->ssl(), -1), SSL_ERROR_SSL);
  EXPECT_EQ(ERR_GET_REASON(ERR_get_error()), SSL_R_PROTOCOL_IS_SHUTDOWN);
}

TEST_P(BothApis, AnErrorReachesTheModule) {
  connect();
  server->receive(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
  server->work();
  EXPECT_TRUE(server->failed());
  EXPECT_NE(server->error(), 0u);
  EXPECT_EQ(SSL_write(server->ssl(), "x", 1), -1);
  EXPECT_EQ(SSL_get_error(server->ssl(), -1), SSL_ERROR_SSL);
  ERR_clear_error();
}

TEST_P(BothApis, TheModuleMayOutliveTheMachine) {
  connect();
  server->reads = false;
  client->send("kept");
  carry(*client, *server);
  SSL_write(server->ssl(), "never sent", 10);
  server->free_machine();
  char buf[64];
  EXPECT_EQ(SSL_read(server->ssl(), buf, 2), 2);
  EXPECT_EQ(SSL_read(server->ssl(), buf, sizeof buf), 2);
  EXPECT_EQ(SSL_read(server->ssl(), buf, sizeof buf), -1);
  EXPECT_EQ(SSL_get_error(server->ssl(), -1), SSL_ERROR_SSL);
  ERR_clear_error();
}

TEST_P(BothApis, FromSslFindsTheConnection) {
  EXPECT_EQ(openssl_fromSSL(server->ssl()), server->tls());
  EXPECT_EQ(openssl_fromSSL(client->ssl()), nullptr);
}

// Whoever has not asked for it keeps libssl's own functions, as another program's SSL does.
TEST_P(BothApis, OtherConnectionsAreAsTheyWere) {
  connect();
  auto other_client = pair.plain_client(), other_server = pair.plain_server();
  other_client->send("plain");
  carry(*other_client, *other_server);
  EXPECT_EQ(other_server->received(), "plain");
}

}  // namespace
}  // namespace openssl_event::testing
