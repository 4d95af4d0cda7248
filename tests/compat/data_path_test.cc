// The record path under SSL_read and SSL_write: what a hostile or failing world makes of it. What programs see
// otherwise is compared with plain libssl, call by call, in differential/path_scenarios.cc.
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "compat/real.h"
#include "compat/record_memory.h"
#include "compat/statistics.h"
#include "tests/compat/peers.h"
#include "tests/record_path/forger.h"
#include "tests/support/failing_new.h"
#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

constexpr unsigned kMostEmptyRecords = 32;
constexpr int kSetKtls = 72;  // libssl's BIO_CTRL_SET_KTLS

void show_nothing(int, int, int, const void*, size_t, SSL*, void*) {}

struct DataPeers : Peers {
  explicit DataPeers(int version, const char* suite = nullptr) : Peers(version) {
    for (SSL* ssl : {client.get(), server.get()}) {
      SSL_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
      if (suite) version == TLS1_3_VERSION ? SSL_set_ciphersuites(ssl, suite) : SSL_set_cipher_list(ssl, suite);
    }
  }
  // A program that watches its records stays on libssl's own path.
  void keep_plain(SSL* ssl) { SSL_set_msg_callback(ssl, show_nothing); }
  bool send(SSL* from, const std::string& text) {
    return SSL_write(from, text.data(), static_cast<int>(text.size())) == static_cast<int>(text.size());
  }
  // What comes, up to so many bytes; shorter if nothing more does.
  std::string receive(SSL* at, std::size_t size) {
    std::string text(size, '\0');
    std::size_t done = 0;
    for (int tries = 0; done < size && tries < 1000; ++tries) {
      const int value = SSL_read(at, text.data() + done, static_cast<int>(size - done));
      if (value > 0) done += static_cast<std::size_t>(value);
      if (value <= 0 && SSL_get_error(at, value) != SSL_ERROR_WANT_READ) break;
    }
    text.resize(done);
    return text;
  }
  bool exchange(const std::string& text) {
    return send(client.get(), text) && receive(server.get(), text.size()) == text && send(server.get(), text) &&
           receive(client.get(), text.size()) == text;
  }
  void put(const std::string& bytes) {
    ASSERT_EQ(write(client_fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
};

std::uint64_t sealed() { return compat::statistics().sealed; }
std::uint64_t opened() { return compat::statistics().opened; }

// From 3.2 on libssl's record layer says why, and libssl after it that there has been a failure.
int first_reason() { return ERR_GET_REASON(ERR_peek_error()); }

class DataPath : public BothVersions {};
FOR_BOTH_VERSIONS(DataPath);

TEST_P(DataPath, SealsAndOpensBothWays) {
  const auto sealed_before = sealed(), opened_before = opened();
  {
    DataPeers peers(GetParam());
    ASSERT_TRUE(peers.finish());
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(peers.exchange("some text"));
  }
  // After a ticket libssl has the next record of each direction.
  EXPECT_GE(sealed() - sealed_before, 19u);
  EXPECT_GE(opened() - opened_before, 19u);
}

TEST_P(DataPath, IsLeftOutWhereTheProgramWatchesItsRecords) {
  const auto before = sealed();
  {
    DataPeers peers(GetParam());
    peers.keep_plain(peers.client.get());
    peers.keep_plain(peers.server.get());
    ASSERT_TRUE(peers.finish() && peers.exchange("some text"));
  }
  EXPECT_EQ(sealed(), before);
}

TEST_P(DataPath, IsTakenAgainByAnSslThatBeginsAnew) {
  const auto sealed_before = sealed(), opened_before = opened();
  {
    DataPeers peers(GetParam());
    ASSERT_TRUE(peers.finish() && peers.exchange("some text"));
    for (SSL* ssl : {peers.client.get(), peers.server.get()}) ASSERT_EQ(SSL_clear(ssl), 1);
    ASSERT_TRUE(peers.finish());
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(peers.exchange("some text"));
  }
  EXPECT_GE(sealed() - sealed_before, 19u);
  EXPECT_GE(opened() - opened_before, 19u);
}

// A copy, which SSL_dup makes before a handshake, has the callbacks of its original.
TEST_P(DataPath, OfACopyIsLikeTheOriginals) {
  for (const bool watches : {false, true}) {
    const auto before = sealed();
    {
      DataPeers peers(GetParam());
      peers.keep_plain(peers.client.get());
      if (watches) peers.keep_plain(peers.server.get());
      Ssl copy(SSL_dup(peers.server.get()));
      ASSERT_NE(copy.get(), peers.server.get());
      peers.server = std::move(copy);
      SSL_set_fd(peers.server.get(), peers.server_fd);
      ASSERT_TRUE(peers.finish() && peers.exchange("some text"));
    }
    EXPECT_EQ(sealed() > before, !watches);
  }
}

TEST(DataPathTls12, IsLeftOutWhereRenegotiationIsAllowed) {
  const auto before = sealed();
  {
    Peers peers(TLS1_2_VERSION);
    ASSERT_TRUE(peers.connect());
  }
  EXPECT_EQ(sealed(), before);
}

TEST_P(DataPath, IsLeftOutWithOtherSuites) {
  const auto before = sealed();
  {
    DataPeers peers(GetParam(), tls13() ? "TLS_AES_128_CCM_SHA256" : "ECDHE+AESCCM");
    ASSERT_TRUE(peers.finish() && peers.exchange("some text"));
  }
  EXPECT_EQ(sealed(), before);
}

// RFC 5288 3: a nonce that comes twice under one key gives the key away.
TEST(DataPathTls12, ExplicitNoncesNeverRepeat) {
  DataPeers peers(TLS1_2_VERSION, "ECDHE+AESGCM");
  ASSERT_TRUE(peers.finish());
  BIO* wire = BIO_new(BIO_s_mem());
  BIO_up_ref(wire);
  SSL_set0_wbio(peers.client.get(), wire);
  for (int i = 0; i < 300; ++i) {
    if (i == 100) SSL_set_max_send_fragment(peers.client.get(), 512);  // libssl's turn
    ASSERT_TRUE(peers.send(peers.client.get(), std::string(1 + static_cast<std::size_t>(i) * 7, 'x')));
  }
  SSL_shutdown(peers.client.get());
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(wire, &bytes);
  std::set<std::string> nonces;
  std::size_t records = 0;
  for (long at = 0; at + 13 <= size; ++records) {
    nonces.emplace(bytes + at + 5, 8);
    at += 5 + (static_cast<unsigned char>(bytes[at + 3]) << 8 | static_cast<unsigned char>(bytes[at + 4]));
  }
  EXPECT_GT(records, 300u);
  EXPECT_EQ(nonces.size(), records);
  BIO_free(wire);
}

// A BIO that would let the kernel seal, and is asked for it by libssl when the program wants that later.
int to_descriptor(BIO* bio, const char* data, int size) {
  return static_cast<int>(write(static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))), data,
                                static_cast<std::size_t>(size)));
}
long agree_to_ktls(BIO*, int command, long, void*) { return command == kSetKtls || command == BIO_CTRL_FLUSH; }

TEST_P(DataPath, TheKernelNeverComesToSeal) {
  DataPeers peers(GetParam());
  ASSERT_TRUE(peers.finish());
  BIO_METHOD* const method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "agrees to kTLS");
  BIO_meth_set_write(method, to_descriptor);
  BIO_meth_set_ctrl(method, agree_to_ktls);
  BIO* const bio = BIO_new(method);
  BIO_set_data(bio, reinterpret_cast<void*>(std::intptr_t{peers.client_fd}));
  BIO_set_init(bio, 1);
  SSL* const client = peers.client.get();
  SSL_set0_wbio(client, bio);
  ASSERT_TRUE(peers.exchange("before"));
  SSL_set_options(client, SSL_OP_ENABLE_KTLS);
  if (tls13()) SSL_key_update(client, SSL_KEY_UPDATE_NOT_REQUESTED);
  EXPECT_EQ(SSL_do_handshake(client), 1);
  EXPECT_EQ(BIO_ctrl(bio, kSetKtls, 0, nullptr), 1);
  EXPECT_EQ(BIO_ctrl(compat::real_SSL_get_wbio(client), kSetKtls, 0, nullptr), 0);
  ASSERT_TRUE(peers.exchange("after"));
  peers.client.reset();
  BIO_meth_free(method);
}

// What libssl sees of records is not all, and it still guards itself against a flood of empty ones.
TEST_P(DataPath, LibsslCountsEmptyRecords) {
  DataPeers peers(GetParam());
  Forger forger(peers.client.get());
  ASSERT_TRUE(peers.finish());
  if (!tls13()) forger.count(1);
  for (int round = 0; round < 2; ++round) {
    for (unsigned i = 0; i < kMostEmptyRecords; ++i) peers.put(forger.record(kApplicationData, ""));
    peers.put(forger.record(kApplicationData, "data"));
    EXPECT_EQ(peers.receive(peers.server.get(), 4), "data");
    peers.put(forger.record(kApplicationData, "more"));
    EXPECT_EQ(peers.receive(peers.server.get(), 4), "more");
  }
  for (unsigned i = 0; i <= kMostEmptyRecords; ++i) peers.put(forger.record(kApplicationData, ""));
  EXPECT_EQ(peers.receive(peers.server.get(), 1), "");
  EXPECT_EQ(first_reason(), SSL_R_RECORD_TOO_SMALL);
  ERR_clear_error();
}

TEST_P(DataPath, OverlongPlaintextIsForLibsslToJudge) {
  DataPeers peers(GetParam());
  Forger forger(peers.client.get());
  ASSERT_TRUE(peers.finish());
  if (!tls13()) forger.count(1);
  peers.put(forger.record(kApplicationData, "data"));
  EXPECT_EQ(peers.receive(peers.server.get(), 4), "data");
  peers.put(forger.record(kApplicationData, std::string(16385, 'x')));
  EXPECT_EQ(peers.receive(peers.server.get(), 1), "");
  EXPECT_EQ(first_reason(), SSL_R_DATA_LENGTH_TOO_LONG);
  ERR_clear_error();
}

// RFC 8446 5.1: nothing comes between the records of a message.
TEST(DataPathTls13, DataInTheMiddleOfAMessageIsRefused) {
  DataPeers peers(TLS1_3_VERSION);
  Forger forger(peers.client.get());
  ASSERT_TRUE(peers.finish());
  peers.put(forger.record(kApplicationData, "data"));
  EXPECT_EQ(peers.receive(peers.server.get(), 4), "data");
  peers.put(forger.record(kHandshake, std::string("\x18\0", 2)));
  peers.put(forger.record(kApplicationData, "data"));
  EXPECT_EQ(peers.receive(peers.server.get(), 4), "");
  EXPECT_NE(first_reason(), 0);
  EXPECT_TRUE(SSL_in_init(peers.server.get()));
  ERR_clear_error();
}

std::string logged;
void log_line(const SSL*, const char* line) { logged += std::string(line, std::strcspn(line, " ")) + '\n'; }
void log_otherwise(const SSL*, const char*) {}

TEST(DataPathTls13, TheProgramsKeylogGetsEachLine) {
  DataPeers peers(TLS1_3_VERSION);
  SSL_CTX* ctx = peers.server_context.get();
  EXPECT_EQ(SSL_CTX_get_keylog_callback(ctx), nullptr);
  SSL_CTX_set_keylog_callback(ctx, log_otherwise);
  SSL_CTX_set_keylog_callback(ctx, log_line);
  EXPECT_EQ(SSL_CTX_get_keylog_callback(ctx), log_line);
  logged.clear();
  ASSERT_TRUE(peers.finish() && peers.exchange("text"));
  for (const char* line : {"SERVER_TRAFFIC_SECRET_0\n", "CLIENT_TRAFFIC_SECRET_0\n", "EXPORTER_SECRET\n"})
    EXPECT_NE(logged.find(line), logged.npos) << line;
  SSL_CTX_set_keylog_callback(ctx, nullptr);
  logged.clear();
  ASSERT_EQ(SSL_key_update(peers.server.get(), SSL_KEY_UPDATE_REQUESTED), 1);
  EXPECT_TRUE(peers.exchange("after a key update nobody heard of"));
  EXPECT_EQ(logged, "");
}

// As with libssl, parent and child each have a copy of the connection's numbers.
TEST_P(DataPath, AForkedChildGoesOn) {
  DataPeers peers(GetParam());
  ASSERT_TRUE(peers.finish() && peers.exchange("before"));
  const pid_t child = fork();
  if (child == 0) _exit(peers.send(peers.server.get(), "from the child") ? 0 : 1);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(peers.receive(peers.client.get(), 14), "from the child");
}

std::atomic<bool> handshake_is_done{false};
void note_end_of_handshake(const SSL*, int where, int) {
  if (where & SSL_CB_HANDSHAKE_DONE) handshake_is_done = true;
}

// As blocking programs do it: the thread that reads makes the handshake too, and waits inside libssl when another one
// writes the first data. Later both take the record path, whoever is first; if libssl reads ahead, the one that writes.
TEST_P(DataPath, OneThreadReadsWhileAnotherWrites) {
  const std::string text(5, 't');
  constexpr int kTimes = 200;
  for (int round = 0; round < 20; ++round) {
    DataPeers peers(GetParam());
    peers.set_blocking(true);
    SSL_set_read_ahead(peers.server.get(), round % 4 >= 2);
    const auto write = [&](SSL* ssl) {
      for (int i = 0; i < kTimes; ++i) ASSERT_TRUE(peers.send(ssl, text));
    };
    const auto read = [&](SSL* ssl) {
      EXPECT_EQ(peers.receive(ssl, kTimes * text.size()).size(), kTimes * text.size());
      ERR_print_errors_fp(stderr);
    };
    std::thread of_client([&] {
      ASSERT_EQ(SSL_do_handshake(peers.client.get()), 1);
      read(peers.client.get());
      write(peers.client.get());
    });
    SSL_set_num_tickets(peers.server.get(), 0);  // the thread that reads would still be sending them
    handshake_is_done = false;
    SSL_set_info_callback(peers.server.get(), note_end_of_handshake);
    if (round % 2) SSL_do_handshake(peers.server.get());
    std::thread reader(read, peers.server.get());
    while (!handshake_is_done) std::this_thread::yield();
    write(peers.server.get());
    of_client.join();
    reader.join();
  }
}

// What this thread keeps for records is lent, and more there is not.
struct NoMemory {
  NoMemory() {
    EXPECT_TRUE(one.take() && another.take());
    fail_allocation(1);
  }
  ~NoMemory() { EXPECT_TRUE(allocation_failed()); }
  compat::RecordMemory one, another;
};

TEST_P(DataPath, WithoutMemoryNoDataIsLost) {
  DataPeers peers(GetParam());
  ASSERT_TRUE(peers.finish() && peers.send(peers.client.get(), "the beginning and the rest"));
  EXPECT_EQ(peers.receive(peers.server.get(), 13), "the beginning");
  {
    const NoMemory now;
    char byte;
    const int value = SSL_read(peers.server.get(), &byte, 0);  // libssl is to have the rest
    EXPECT_EQ(SSL_get_error(peers.server.get(), value), SSL_ERROR_SSL);
    ERR_clear_error();
  }
  EXPECT_EQ(peers.receive(peers.server.get(), 13), " and the rest");
}

// And no answer asks for a retry that cannot help.
TEST_P(DataPath, WhatCannotBeSentFailsEachTime) {
  DataPeers peers(GetParam());
  ASSERT_TRUE(peers.finish());
  SSL* const server = peers.server.get();
  char byte;
  EXPECT_EQ(SSL_get_error(server, SSL_read(server, &byte, 1)), SSL_ERROR_WANT_READ);
  fail_allocation(1);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(SSL_get_error(server, SSL_write(server, "text", 4)), SSL_ERROR_SSL) << i;
    ERR_clear_error();
  }
  EXPECT_EQ(SSL_get_error(server, SSL_shutdown(server)), SSL_ERROR_SYSCALL);
  EXPECT_TRUE(allocation_failed());
}

// Of libssl 3.3 and newer; with an older one the layer's does without.
TEST_P(DataPath, ExtendedWritesTakeIt) {
  const auto before = sealed();
  {
    DataPeers peers(GetParam());
    ASSERT_TRUE(peers.finish());
    std::size_t written = 0;
    std::string text(50000, 'x');
    while (SSL_write_ex2(peers.server.get(), text.data(), text.size(), 0, &written)) EXPECT_EQ(written, text.size());
    EXPECT_EQ(SSL_get_error(peers.server.get(), 0), SSL_ERROR_WANT_WRITE);
    while (!SSL_write_ex2(peers.server.get(), text.data(), text.size(), 0, &written))
      ASSERT_FALSE(peers.receive(peers.client.get(), 1000).empty());
    EXPECT_EQ(SSL_write_ex2(peers.server.get(), text.data(), text.size(), 1, &written), 0);
    ERR_clear_error();
  }
  EXPECT_GE(sealed() - before, 4u);
}

// What is lent next holds nothing of it.
TEST_P(DataPath, CleartextThatNobodyTakesIsWiped) {
  for (const bool clears : {false, true}) {
    DataPeers peers(GetParam());
    ASSERT_TRUE(peers.finish() && peers.send(peers.client.get(), std::string(1000, 'c')));
    EXPECT_EQ(peers.receive(peers.server.get(), 10).size(), 10u);
    clears ? static_cast<void>(SSL_clear(peers.server.get())) : peers.server.reset();
    compat::RecordMemory lent[2];
    for (compat::RecordMemory& memory : lent) {
      ASSERT_TRUE(memory.take());
      const std::string_view bytes(reinterpret_cast<const char*>(memory.bytes()), 1000);
      EXPECT_EQ(bytes.find(std::string(11, 'c')), bytes.npos);
    }
  }
}

// The destructor of a thread_local that is older than the layer's runs after it, and closes a connection, say.
TEST(DataPathMemory, AThreadThatIsEndingKeepsNone) {
  struct Late {
    DataPeers* peers = nullptr;
    ~Late() {
      void* const own = std::malloc(compat::RecordMemory::kSize);
      compat::RecordMemory one, another;
      EXPECT_TRUE(one.take() && another.take());
      EXPECT_TRUE(one.bytes() != own && another.bytes() != own && one.bytes() != another.bytes());
      std::free(own);
      EXPECT_TRUE(peers->exchange("the last words"));
    }
  };
  DataPeers peers(TLS1_3_VERSION);
  ASSERT_TRUE(peers.finish());
  std::thread([&] {
    thread_local Late late;
    late.peers = &peers;
    EXPECT_TRUE(peers.exchange("the first ones"));
  }).join();
}

// Records of all sizes, key updates by both sides and what else may come between, with a plain libssl or without.
TEST_P(DataPath, RandomTrafficArrives) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    DataPeers peers(GetParam(), seed % 3 ? nullptr : (tls13() ? "TLS_CHACHA20_POLY1305_SHA256" : "ECDHE+CHACHA20"));
    SSL* const ends[] = {peers.client.get(), peers.server.get()};
    if (seed % 4 < 2) peers.keep_plain(ends[seed % 2]);
    ASSERT_TRUE(peers.finish());
    std::mt19937 random(seed);
    for (int i = 0; i < 60; ++i) {
      const unsigned who = random() % 2;
      if (tls13() && random() % 8 == 0)
        SSL_key_update(ends[who], random() % 2 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
      if (tls13() && random() % 16 == 0) SSL_new_session_ticket(ends[1]);
      if (random() % 32 == 0) SSL_set_max_send_fragment(ends[who], 512 + random() % 2000);
      if (random() % 32 == 0) SSL_set_fd(ends[who], who ? peers.server_fd : peers.client_fd);
      const std::string text(1 + random() % (random() % 4 ? 300 : 40000), static_cast<char>('a' + i % 26));
      ASSERT_TRUE(peers.send(ends[who], text)) << seed << ' ' << i;
      char byte;
      const bool peeks = random() % 2;
      ASSERT_TRUE(!peeks || SSL_peek(ends[1 - who], &byte, 1) != 0) << seed << ' ' << i;
      ASSERT_EQ(peers.receive(ends[1 - who], text.size()), text) << seed << ' ' << i;
    }
  }
}

}  // namespace
}  // namespace openssl_event::testing
