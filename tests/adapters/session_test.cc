// The session that all loops share: whoever moves the bytes, the peer sees the same.
#include "adapters/loop/session.h"

#include <algorithm>
#include <cstring>
#include <list>
#include <utility>
#include <vector>

#include "tests/support/failing_new.h"
#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

// Received bytes in a piece of memory just as long, which is gone when it is given back, so that a sanitizer sees late use.
class LentBuffer final : public loop::Buffer {
 public:
  LentBuffer(std::list<LentBuffer>& lent, std::string_view bytes)
      : lent_(lent), size_(bytes.size()), bytes_(new char[bytes.size()]) {
    std::memcpy(bytes_.get(), bytes.data(), size_);
  }
  char* bytes() { return bytes_.get(); }
  std::size_t size() const { return size_; }

 private:
  void unused() override {
    lent_.remove_if([this](const LentBuffer& buffer) { return &buffer == this; });
  }
  std::list<LentBuffer>& lent_;
  const std::size_t size_;
  const std::unique_ptr<char[]> bytes_;
};

enum class Way { space, lent, copied };

// An end of the connection that echoes what it gets, over a session.
class EchoEnd final : public End, private loop::User {
 public:
  EchoEnd(SSL* ssl, const loop::Calls& calls, Way way) : way_(way), session_(ssl, calls, *this) {
    openssl_setWindow(session_.tls(), 16, 4);
  }
  ~EchoEnd() override { give_back(); }

  void work() override { session_.run(); }
  void receive(std::string_view bytes) override {
    while (!bytes.empty()) bytes.remove_prefix(receive_some(bytes));
  }
  void end_input() override { session_.input_ended(); }
  std::string take_output() override {
    iovec slices[3];
    std::string output;
    for (int count; (count = session_.gather(slices, 3)) > 0;) {
      std::size_t size = 0;
      for (int i = 0; i < count; ++i) {
        output.append(static_cast<const char*>(slices[i].iov_base), slices[i].iov_len);
        size += slices[i].iov_len;
      }
      session_.sent(size);
      session_.run();
    }
    return output;
  }
  void send(std::string_view data) override {
    OPENSSL_EVENT* block = openssl_newCleartextInEvent(data.data(), data.size());
    if (!block || !openssl_putEvent(session_.tls(), block)) session_.fail();
  }
  void close_output() override { openssl_closeOutput(session_.tls()); }
  void renegotiate() override { openssl_renegotiate(session_.tls()); }
  SSL* ssl() const override { return openssl_ssl(session_.tls()); }
  bool established() const override { return session_.established(); }
  bool failed() const override { return session_.failed(); }
  unsigned long error() const override { return 0; }
  bool closed_in() const override { return session_.peer_closed(); }

  loop::Session& session() { return session_; }
  std::size_t lent() const { return lent_.size(); }
  std::size_t in_place() const { return in_place_; }
  bool out_of_memory() const { return out_of_memory_; }  // for the bytes that came: the loop would close it
  void hold() { holding_ = true; }  // gives no cleartext back ...
  void give_back() {                // ... until here
    holding_ = false;
    for (OPENSSL_EVENT* block : std::exchange(held_, {})) openssl_returnEvent(block);
  }

 private:
  std::size_t receive_some(std::string_view bytes) {
    if (way_ != Way::space) {
      LentBuffer& buffer = lent_.emplace_back(lent_, bytes);
      buffer.use();
      out_of_memory_ |= !session_.received(buffer.bytes(), buffer.size(), way_ == Way::lent ? &buffer : nullptr);
      const std::size_t before = lent_.size();
      buffer.release();
      in_place_ += lent_.size() == before;  // a record still uses it
      return bytes.size();
    }
    std::size_t room = 0;
    char* space = session_.input_space(&room);
    out_of_memory_ |= !space;
    if (!space) return bytes.size();
    const std::size_t size = std::min(room, bytes.size());
    std::memcpy(space, bytes.data(), size);
    out_of_memory_ |= !session_.received(size);
    return size;
  }
  void cleartext(OPENSSL_EVENT* block) override {
    received_.append(block->c.buf, static_cast<std::size_t>(block->c.len));
    send({block->c.buf, static_cast<std::size_t>(block->c.len)});
    if (holding_)
      held_.push_back(block);
    else
      openssl_putEvent(session_.tls(), block);
  }
  void written(OPENSSL_EVENT* block) override { openssl_freeEvent(block); }
  void status(const OPENSSL_STATUS&) override {}
  void executed(const OPENSSL_ENGINE_CALL&, std::optional<std::chrono::nanoseconds>) override {}

  const Way way_;
  std::list<LentBuffer> lent_;
  std::size_t in_place_ = 0;
  bool out_of_memory_ = false;
  bool holding_ = false;
  std::vector<OPENSSL_EVENT*> held_;
  loop::Session session_;
};

class LoopSession : public BothVersions {
 protected:
  LoopSession() { openssl_prepareContext(pair.server_context.get()); }
  std::unique_ptr<EchoEnd> echo(Way way) { return std::make_unique<EchoEnd>(pair.server_ssl().get(), calls, way); }

  static std::string messages() {
    std::string all;
    for (const std::size_t size : {1u, 100u, 16384u, 40000u, 7u}) all += std::string(size, static_cast<char>('a' + size % 26));
    return all;
  }

  Pair pair{GetParam()};
  loop::Calls calls;
};

TEST_P(LoopSession, EchoesInAnyPortionsAndFromAnyMemory) {
  for (const Way way : {Way::space, Way::lent, Way::copied}) {
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{5}, std::size_t{1000}, std::size_t{20000}, SIZE_MAX}) {
      auto server = echo(way);
      auto client = pair.plain_client();
      client->send(messages());
      carry(*client, *server, chunk);
      EXPECT_EQ(client->received(), messages()) << chunk;
      EXPECT_EQ(server->lent(), 0u) << "every buffer is given back";
      client->close_output();
      carry(*client, *server, chunk);
      EXPECT_TRUE(server->closed_in());
    }
  }
}

TEST_P(LoopSession, WholeRecordsStayInTheLoopsBuffer) {
  auto server = echo(Way::lent);
  auto client = pair.plain_client();
  carry(*client, *server);
  const std::size_t before = server->in_place();
  client->send("a record");
  carry(*client, *server);
  EXPECT_EQ(server->in_place(), before + 1);
}

TEST_P(LoopSession, CutRecordsAndThoseOfNoBufferAreCopied) {
  for (const Way way : {Way::lent, Way::copied}) {
    auto server = echo(way);
    auto client = pair.plain_client();
    carry(*client, *server);
    const std::size_t before = server->in_place();
    client->send("a record");
    carry(*client, *server, way == Way::lent ? 20 : SIZE_MAX);
    EXPECT_EQ(server->in_place(), before);
    EXPECT_EQ(client->received(), "a record");
  }
}

// On the record path the cleartext lies in the buffer too.
TEST_P(LoopSession, ABufferIsLentAsLongAsItsCleartextIsOut) {
  auto server = echo(Way::lent);
  auto client = pair.plain_client();
  client->send("first");
  carry(*client, *server);
  server->hold();
  client->send("second");
  carry(*client, *server);
  EXPECT_EQ(server->lent(), 1u);
  server->give_back();
  server->work();
  EXPECT_EQ(server->lent(), 0u);
}

TEST_P(LoopSession, FreedWithRecordsInTheLoopsBuffersGivesThemBack) {
  std::unique_ptr<EchoEnd> server = echo(Way::lent);
  auto client = pair.plain_client();
  carry(*client, *server);
  server->hold();
  for (int i = 0; i < 20; ++i) client->send(std::string(16384, 'x'));
  carry(*client, *server);
  EXPECT_GT(server->lent(), 0u) << "the window is full";
}

// Whichever allocation fails: bytes arrive whole, or the loop is told, and every buffer comes back.
TEST_P(LoopSession, LosesNothingInSilenceWithoutMemory) {
  for (const Way way : {Way::space, Way::lent, Way::copied}) {
    int failed = 0;
    for (long n = 1;; ++n) {
      auto server = echo(way);
      auto client = pair.plain_client();
      carry(*client, *server);
      client->send("first");
      client->send(std::string(20000, 'x'));
      client->work();
      const std::string bytes = client->take_output();
      fail_allocation(n);
      deliver(*server, bytes, 15000);
      const bool met = allocation_failed();
      fail_allocation(0);
      const bool told = server->out_of_memory() || server->failed();
      if (!told) carry(*client, *server);
      EXPECT_TRUE(told || client->received() == "first" + std::string(20000, 'x')) << n;
      if (!met) break;
      ++failed;
    }
    EXPECT_GE(failed, 3);
  }
}

TEST_P(LoopSession, WhatIsNoTlsFailsAsInOneRead) {
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{3}, SIZE_MAX}) {
    auto server = echo(Way::lent);
    deliver(*server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", chunk);
    EXPECT_TRUE(server->failed());
    server->take_output();
    EXPECT_TRUE(server->session().finished());
  }
}

TEST_P(LoopSession, CallsGoToWorkersAndComeHome) {
  Pair offloaded(GetParam(), KeyType::kEcP256, true);
  openssl_workers_t* workers = openssl_newWorkers(nullptr);
  openssl_completions_t* completions = openssl_newCompletions();
  const loop::Calls shared = {workers, completions};
  {
    EchoEnd server(offloaded.server_ssl().get(), shared, Way::space);
    auto client = offloaded.plain_client();
    carry(*client, server);
    ASSERT_TRUE(server.session().waits_for_call());
    openssl_drainWorkers(workers);
    OPENSSL_EVENT* call = openssl_collectCompletion(completions);
    ASSERT_NE(call, nullptr);
    EXPECT_EQ(loop::Session::take_back(call), &server.session());
    carry(*client, server);
    EXPECT_TRUE(server.established());
  }
  {
    auto freed = std::make_unique<EchoEnd>(offloaded.server_ssl().get(), shared, Way::space);
    auto client = offloaded.plain_client();
    carry(*client, *freed);
    freed.reset();
    openssl_drainWorkers(workers);
    OPENSSL_EVENT* call = openssl_collectCompletion(completions);
    ASSERT_NE(call, nullptr);
    EXPECT_EQ(loop::Session::take_back(call), nullptr);
  }
  openssl_freeWorkers(workers);
  openssl_freeCompletions(completions);
}

FOR_BOTH_VERSIONS(LoopSession);

TEST(LoopSessionWithoutSsl, IsNotValid) {
  struct Nobody final : loop::User {
    void cleartext(OPENSSL_EVENT*) override {}
    void written(OPENSSL_EVENT*) override {}
    void status(const OPENSSL_STATUS&) override {}
    void executed(const OPENSSL_ENGINE_CALL&, std::optional<std::chrono::nanoseconds>) override {}
  } nobody;
  const loop::Calls calls;
  EXPECT_FALSE(loop::Session(nullptr, calls, nobody).valid());
}

}  // namespace
}  // namespace openssl_event::testing
