// A handshake whose private-key operation is with a worker: what its program sees, and what it may do meanwhile.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "compat/statistics.h"
#include "tests/compat/held_worker.h"
#include "tests/compat/peers.h"
#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

using Clock = std::chrono::steady_clock;

int info_calls = 0;
void count_info(const SSL*, int, int) { ++info_calls; }
int messages = 0;
void count_message(int, int, int, const void*, std::size_t, SSL*, void*) { ++messages; }

class Suspended : public BothVersions {
 protected:
  Suspended() : peers(GetParam()) { info_calls = messages = 0; }
  void suspend() {
    ASSERT_EQ(peers.accept_until_it_signs(), -1);
    ASSERT_EQ(SSL_get_error(ssl(), -1), SSL_ERROR_WANT_WRITE);
  }
  SSL* ssl() { return peers.server.get(); }
  // When a thread has begun to wait for a call.
  std::thread release_once_waited_for() {
    const auto before = compat::statistics().waits.load();
    return std::thread([this, before] {
      while (compat::statistics().waits == before) std::this_thread::yield();
      worker.release();
    });
  }

  HeldWorker worker;
  Peers peers;
};

FOR_BOTH_VERSIONS(Suspended);

TEST_P(Suspended, AnswersWantWriteAndGoesOn) {
  suspend();
  EXPECT_EQ(SSL_want(ssl()), SSL_WRITING);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(ERR_peek_error(), 0u);
  EXPECT_TRUE(SSL_in_init(ssl()));
  worker.release();
  EXPECT_TRUE(peers.connect());
}

TEST_P(Suspended, ItsEndRaisesAFreshEdge) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, peers.server_fd, &event), 0);
  suspend();
  while (epoll_wait(epoll, &event, 1, 0) == 1) {
  }
  EXPECT_EQ(SSL_accept(ssl()), -1);
  EXPECT_EQ(epoll_wait(epoll, &event, 1, 20), 0);
  worker.release();
  ASSERT_EQ(epoll_wait(epoll, &event, 1, 20000), 1);
  EXPECT_TRUE(event.events & EPOLLOUT);
  EXPECT_NE(SSL_get_error(ssl(), SSL_accept(ssl())), SSL_ERROR_WANT_WRITE);
  EXPECT_TRUE(peers.connect());
  close(epoll);
}

// What a socket holds that its peer has no room for, and whether it still is writable; asked without poll, after which
// the kernel would tell that there is room again.
struct Backlog {
  explicit Backlog(int fd) {
    unsigned memory[SK_MEMINFO_VARS] = {};
    socklen_t size = sizeof memory;
    getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &size);
    const unsigned queued = memory[SK_MEMINFO_WMEM_QUEUED];
    is_writable = queued + queued / 2 <= memory[SK_MEMINFO_SNDBUF];
    tcp_info state = {};
    size = sizeof state;
    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &state, &size);
    is_moving = state.tcpi_unacked > 0;
  }
  bool is_writable = true;
  bool is_moving = false;
};

// Until the socket is not writable for good. The bytes.
std::size_t fill(int fd) {
  const char piece[512] = {};
  std::size_t sent = 0;
  for (Backlog now(fd); now.is_writable || now.is_moving; now = Backlog(fd)) {
    if (!now.is_writable)
      std::this_thread::yield();
    else if (send(fd, piece, sizeof piece, MSG_NOSIGNAL) == sizeof piece)
      sent += sizeof piece;
    else
      return 0;
  }
  return sent;
}

bool drain(int fd, std::size_t bytes) {
  char some[4096];
  while (bytes > 0) {
    pollfd waits = {fd, POLLIN, 0};
    const ssize_t got = poll(&waits, 1, 20000) == 1 ? recv(fd, some, std::min(bytes, sizeof some), 0) : -1;
    if (got <= 0) return false;
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

TEST_P(Suspended, ItsEndIsAnEdgeLaterOnAFullSocket) {
  constexpr int kBuffer = 16384;
  setsockopt(peers.server_fd, SOL_SOCKET, SO_SNDBUF, &kBuffer, sizeof kBuffer);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, peers.server_fd, &event), 0);
  suspend();
  while (epoll_wait(epoll, &event, 1, 0) == 1) {
  }
  const std::size_t sent = fill(peers.server_fd);
  ASSERT_GT(sent, 0u);
  worker.release();
  { HeldWorker later; }  // its turn comes when the call has ended
  ASSERT_TRUE(drain(peers.client_fd, sent));
  ASSERT_EQ(epoll_wait(epoll, &event, 1, 20000), 1);
  EXPECT_TRUE(event.events & EPOLLOUT);
  EXPECT_TRUE(peers.connect());
  close(epoll);
}

// openssl s_server and Python's asyncore wait for readability only, whatever they are told.
TEST_P(Suspended, NotOnASocketThatNoEpollWatches) {
  for (const int fd : {peers.client_fd, peers.server_fd}) {
    const int other = fcntl(fd, F_DUPFD_CLOEXEC, 1000);  // a number that was never watched
    SSL* const of_fd = fd == peers.server_fd ? ssl() : peers.client.get();
    SSL_set_fd(of_fd, other);
  }
  std::thread releases = release_once_waited_for();
  EXPECT_NE(SSL_get_error(ssl(), peers.accept_until_it_signs()), SSL_ERROR_WANT_WRITE);
  releases.join();
  EXPECT_TRUE(peers.finish());
  for (SSL* each : {ssl(), peers.client.get()}) close(SSL_get_fd(each));
}

// nginx, for one, closes a socket without a word to its epoll.
TEST_P(Suspended, NotOnASocketWithTheNumberOfOneThatWasWatched) {
  Peers earlier(GetParam());
  close(earlier.server_fd);
  ASSERT_EQ(dup2(peers.server_fd, earlier.server_fd), earlier.server_fd);
  SSL_set_fd(ssl(), earlier.server_fd);
  std::thread releases = release_once_waited_for();
  EXPECT_NE(SSL_get_error(ssl(), peers.accept_until_it_signs()), SSL_ERROR_WANT_WRITE);
  releases.join();
  EXPECT_TRUE(peers.finish());
}

TEST_P(Suspended, LevelTriggeredProgramsDoNotSpin) {
  suspend();
  const auto begin = Clock::now();
  for (int i = 0; i < 30; ++i) {
    pollfd waits = {peers.server_fd, POLLOUT, 0};
    ASSERT_EQ(poll(&waits, 1, 1000), 1);
    ASSERT_EQ(SSL_accept(ssl()), -1);
  }
  // Two at once, then 0.2, 0.4, 0.8, 1.6 and from then on 2 milliseconds each.
  EXPECT_GE(Clock::now() - begin, std::chrono::milliseconds(45));
  worker.release();
  EXPECT_TRUE(peers.connect());
}

TEST_P(Suspended, EveryFunctionThatMovesDataAnswersTheSame) {
  suspend();
  char byte;
  std::size_t count;
  EXPECT_EQ(SSL_read(ssl(), &byte, 1), -1);
  EXPECT_EQ(SSL_get_error(ssl(), -1), SSL_ERROR_WANT_WRITE);
  EXPECT_EQ(SSL_peek(ssl(), &byte, 1), -1);
  EXPECT_EQ(SSL_write(ssl(), "x", 1), -1);
  EXPECT_EQ(SSL_read_ex(ssl(), &byte, 1, &count), 0);
  EXPECT_EQ(SSL_peek_ex(ssl(), &byte, 1, &count), 0);
  EXPECT_EQ(SSL_write_ex(ssl(), "x", 1, &count), 0);
  EXPECT_EQ(SSL_get_error(ssl(), 0), SSL_ERROR_WANT_WRITE);
  EXPECT_EQ(SSL_shutdown(ssl()), -1);
  EXPECT_EQ(SSL_get_error(ssl(), -1), SSL_ERROR_SSL);
  EXPECT_EQ(ERR_GET_REASON(ERR_get_error()), SSL_R_SHUTDOWN_WHILE_IN_INIT);
  worker.release();
  EXPECT_TRUE(peers.connect());
}

TEST_P(Suspended, FreeEndsItInSilence) {
  SSL_set_info_callback(ssl(), count_info);
  SSL_set_msg_callback(ssl(), count_message);
  suspend();
  info_calls = messages = 0;
  const int sent = peers.on_the_wire();
  ERR_raise(ERR_LIB_USER, 77);
  peers.server.reset();
  EXPECT_EQ(ERR_GET_REASON(ERR_get_error()), 77);
  EXPECT_EQ(ERR_peek_error(), 0u);
  EXPECT_EQ(info_calls + messages, 0);
  EXPECT_EQ(peers.on_the_wire(), sent);
}

TEST_P(Suspended, FreeOfAnotherReferenceDoesNotEndIt) {
  SSL_up_ref(ssl());
  suspend();
  SSL_up_ref(ssl());
  SSL_free(ssl());
  SSL_free(ssl());
  worker.release();
  EXPECT_TRUE(peers.connect());
}

TEST_P(Suspended, DupIsAReference) {
  suspend();
  SSL* same = SSL_dup(ssl());
  EXPECT_EQ(same, ssl());
  SSL_free(same);
  worker.release();
  EXPECT_TRUE(peers.connect());
}

// The client begins anew as well, on sockets without a byte of before.
void start_again(Peers& peers, Peers& fresh) {
  SSL_clear(peers.client.get());
  SSL_set_fd(peers.client.get(), fresh.client_fd);
  SSL_set_fd(peers.server.get(), fresh.server_fd);
}

TEST_P(Suspended, ClearedSslCanBeUsedAgain) {
  SSL_set_info_callback(ssl(), count_info);
  for (int i = 0; i < 2; ++i) {
    Peers fresh(GetParam());
    suspend();
    info_calls = 0;
    ASSERT_EQ(SSL_clear(ssl()), 1);
    EXPECT_EQ(info_calls, 0);
    EXPECT_TRUE(SSL_in_before(ssl()));
    start_again(peers, fresh);
    if (i == 0) continue;
    worker.release();
    ASSERT_TRUE(peers.connect());
    EXPECT_GT(info_calls, 0);
    EXPECT_EQ(SSL_get_info_callback(ssl()), count_info);
    start_again(peers, peers);
  }
}

TEST_P(Suspended, SettingTheRoleAnewEndsIt) {
  Peers fresh(GetParam());
  suspend();
  SSL_set_accept_state(ssl());
  EXPECT_TRUE(SSL_in_before(ssl()));
  EXPECT_EQ(SSL_get_shutdown(ssl()), 0);
  SSL_clear(ssl());
  SSL_set_accept_state(ssl());
  start_again(peers, fresh);
  worker.release();
  EXPECT_TRUE(peers.connect());
}

TEST_P(Suspended, SetFdBeforeEachRetry) {
  suspend();
  for (int i = 0; i < 5; ++i) {
    SSL_set_fd(ssl(), peers.server_fd);
    EXPECT_EQ(SSL_accept(ssl()), -1);
  }
  worker.release();
  EXPECT_TRUE(peers.connect());
}

TEST_P(Suspended, WaitsWhereItStandsOnceTheSocketBlocks) {
  suspend();
  peers.set_blocking(true);
  std::thread releaser = release_once_waited_for();
  std::thread client([&] { EXPECT_EQ(SSL_connect(peers.client.get()), 1); });
  EXPECT_EQ(SSL_accept(ssl()), 1);
  client.join();
  releaser.join();
  EXPECT_TRUE(peers.talk());
}

TEST_P(Suspended, IsFinishedBeforeAnSslBioTakesIt) {
  suspend();
  std::thread releaser = release_once_waited_for();
  BIO* bio = BIO_new(BIO_f_ssl());
  BIO_set_ssl(bio, ssl(), BIO_NOCLOSE);
  releaser.join();
  EXPECT_NE(SSL_get_error(ssl(), -1), SSL_ERROR_WANT_WRITE);
  EXPECT_TRUE(peers.connect());
  BIO_free_all(bio);  // it has a reference to the SSL's BIO
}

TEST_P(Suspended, IsFinishedBeforeEarlyDataIsRead) {
  suspend();
  std::thread releaser = release_once_waited_for();
  char byte;
  std::size_t count;
  SSL_read_early_data(ssl(), &byte, 1, &count);
  releaser.join();
  ERR_clear_error();
}

TEST_P(Suspended, ManyWaitAtOnce) {
  std::vector<std::unique_ptr<Peers>> many;
  for (int i = 0; i < 20; ++i) {
    many.push_back(std::make_unique<Peers>(GetParam()));
    ASSERT_EQ(many.back()->accept_until_it_signs(), -1);
  }
  worker.release();
  for (auto& each : many) EXPECT_TRUE(each->connect());
}

// In another thread at each call.
TEST_P(Suspended, MovesBetweenThreads) {
  std::thread([&] { EXPECT_EQ(peers.accept_until_it_signs(), -1); }).join();
  std::thread([&] { EXPECT_EQ(SSL_accept(ssl()), -1); }).join();
  worker.release();
  std::thread([&] { EXPECT_TRUE(peers.finish()); }).join();
  EXPECT_TRUE(peers.talk());
}

}  // namespace
}  // namespace openssl_event::testing
