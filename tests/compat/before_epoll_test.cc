// Servers that begin a handshake at once when they have accepted a connection, and tell their epoll of it only if they have to
// wait: nginx's stream and mail modules, `listen ... deferred`, lighttpd, redis.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <thread>
#include <vector>

#include "tests/compat/held_worker.h"
#include "tests/compat/peers.h"
#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

class BeforeItsEpoll : public BothVersions {
 protected:
  // The program has an epoll, which watches something else.
  BeforeItsEpoll() : peers(GetParam(), KeyType::kEcP256, Peers::Sockets::unwatched), fd(peers.server_fd) {
    static const Peers others;
  }
  ~BeforeItsEpoll() override {
    for (const int epoll : epolls) close(epoll);
  }

  SSL* ssl() { return peers.server.get(); }
  void send_hello() {
    SSL_connect(peers.client.get());
    pollfd waits = {fd, POLLIN, 0};
    ASSERT_EQ(poll(&waits, 1, 20000), 1);
  }
  int bytes_to_read() const {
    int bytes = 0;
    ioctl(fd, FIONREAD, &bytes);
    return bytes;
  }
  // Returns the epoll, which has reported all there is.
  int watch() {
    const int epoll = epolls.emplace_back(epoll_create1(EPOLL_CLOEXEC));
    epoll_event event = {};
    event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
    EXPECT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
    EXPECT_EQ(epoll_wait(epoll, &event, 1, 20000), 1) << "the hello is reported to who begins to watch";
    return epoll;
  }
  void expect_put_off(int value) {
    EXPECT_EQ(value, -1);
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_EQ(ERR_peek_error(), 0u);
    EXPECT_EQ(SSL_get_error(ssl(), value), SSL_ERROR_WANT_READ);
    EXPECT_EQ(SSL_want(ssl()), SSL_READING);
    EXPECT_TRUE(BIO_should_read(SSL_get_rbio(ssl())));
    EXPECT_TRUE(SSL_in_init(ssl()));
  }

  Peers peers;
  const int fd;
  std::vector<int> epolls;
};

FOR_BOTH_VERSIONS(BeforeItsEpoll);

TEST_P(BeforeItsEpoll, IsToldToWaitForAHelloThatIsThereAndThenSuspends) {
  HeldWorker worker;
  send_hello();
  const int bytes = bytes_to_read();
  expect_put_off(SSL_accept(ssl()));
  EXPECT_EQ(bytes_to_read(), bytes);
  watch();
  EXPECT_EQ(SSL_get_error(ssl(), SSL_accept(ssl())), SSL_ERROR_WANT_WRITE);
  worker.release();
  EXPECT_TRUE(peers.connect());
}

TEST_P(BeforeItsEpoll, TheSameOfDoHandshakeAndOfAnSslWithoutARole) {
  send_hello();
  expect_put_off(SSL_do_handshake(ssl()));
  EXPECT_TRUE(peers.connect());

  const Ssl without_role(SSL_new(peers.server_context.get()));
  Peers other(GetParam(), KeyType::kEcP256, Peers::Sockets::unwatched);
  const int unwatched = other.server_fd;
  SSL_set_fd(without_role.get(), unwatched);
  SSL_connect(other.client.get());
  pollfd waits = {unwatched, POLLIN, 0};
  ASSERT_EQ(poll(&waits, 1, 20000), 1);
  EXPECT_EQ(SSL_get_error(without_role.get(), SSL_do_handshake(without_role.get())), SSL_ERROR_SSL);
  ERR_clear_error();
  EXPECT_EQ(SSL_get_error(without_role.get(), SSL_accept(without_role.get())), SSL_ERROR_WANT_READ);
  EXPECT_EQ(SSL_shutdown(without_role.get()), -1);
  EXPECT_EQ(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_SHUTDOWN_WHILE_IN_INIT);
  ERR_clear_error();
}

// As one with poll, which has an epoll for something else.
TEST_P(BeforeItsEpoll, IsToldSoOnce) {
  send_hello();
  expect_put_off(SSL_accept(ssl()));
  const int value = SSL_accept(ssl());
  EXPECT_FALSE(SSL_in_before(ssl()));
  EXPECT_NE(SSL_get_error(ssl(), value), SSL_ERROR_WANT_WRITE);
  EXPECT_TRUE(peers.connect());
}

TEST_P(BeforeItsEpoll, LibsslAnswersWhileThereIsNoHello) {
  EXPECT_EQ(SSL_get_error(ssl(), SSL_accept(ssl())), SSL_ERROR_WANT_READ);
  EXPECT_FALSE(SSL_in_before(ssl()));
  EXPECT_TRUE(peers.connect());
}

TEST_P(BeforeItsEpoll, TheSameOfFunctionsThatMoveData) {
  HeldWorker worker;
  send_hello();
  char byte;
  expect_put_off(SSL_read(ssl(), &byte, 1));
  watch();
  EXPECT_EQ(SSL_get_error(ssl(), SSL_read(ssl(), &byte, 1)), SSL_ERROR_WANT_WRITE);
  worker.release();
  EXPECT_TRUE(peers.connect());
}

TEST_P(BeforeItsEpoll, NotWhereTheDirectionIsClosed) {
  send_hello();
  SSL_set_shutdown(ssl(), SSL_RECEIVED_SHUTDOWN);
  char byte;
  EXPECT_EQ(SSL_get_error(ssl(), SSL_read(ssl(), &byte, 1)), SSL_ERROR_ZERO_RETURN);
}

TEST_P(BeforeItsEpoll, ReadingDrivesAHandshakeThatWasPutOff) {
  send_hello();
  expect_put_off(SSL_accept(ssl()));
  char byte;
  EXPECT_EQ(SSL_read(ssl(), &byte, 1), -1);
  EXPECT_FALSE(SSL_in_before(ssl()));
  EXPECT_TRUE(peers.connect());
}

TEST_P(BeforeItsEpoll, AfterAClearNothingIsSaidOfWhatWasPutOff) {
  send_hello();
  expect_put_off(SSL_accept(ssl()));
  ASSERT_EQ(SSL_clear(ssl()), 1);
  EXPECT_EQ(SSL_want(ssl()), SSL_NOTHING);
  EXPECT_EQ(SSL_get_error(ssl(), -1), SSL_ERROR_SYSCALL);
  EXPECT_TRUE(peers.connect());
}

// Its edge has been reported already: told to wait for another one, it would for ever.
TEST_P(BeforeItsEpoll, NotOnASocketThatAnEpollHasReported) {
  send_hello();
  watch();
  const int old_loop = watch();
  ASSERT_EQ(epoll_ctl(old_loop, EPOLL_CTL_DEL, fd, nullptr), 0);
  SSL_accept(ssl());
  EXPECT_FALSE(SSL_in_before(ssl()));
}

TEST_P(BeforeItsEpoll, NorUnderAnotherNumberOfIt) {
  send_hello();
  watch();
  const int other = fcntl(fd, F_DUPFD_CLOEXEC, 1000);
  SSL_set_fd(ssl(), other);
  SSL_accept(ssl());
  EXPECT_FALSE(SSL_in_before(ssl()));
  SSL_set_fd(ssl(), -1);
  close(other);
}

// Who has put its own BIO in between may have read the hello already.
TEST_P(BeforeItsEpoll, NotBehindABioOfTheProgramsOwn) {
  send_hello();
  BIO* socket = BIO_new_socket(fd, BIO_NOCLOSE);
  SSL_set_bio(ssl(), BIO_push(BIO_new(BIO_f_buffer()), socket), BIO_new_socket(fd, BIO_NOCLOSE));
  SSL_accept(ssl());
  EXPECT_FALSE(SSL_in_before(ssl()));
}

TEST_P(BeforeItsEpoll, NotAClient) {
  SSL* const client = peers.client.get();
  ASSERT_EQ(send(fd, "x", 1, 0), 1);
  SSL_connect(client);
  EXPECT_FALSE(SSL_in_before(client));
}

TEST_P(BeforeItsEpoll, NotOnASocketThatBlocks) {
  send_hello();
  peers.set_blocking(true);
  int accepted = 0;
  std::thread accepts([&] { accepted = SSL_accept(ssl()); });
  EXPECT_EQ(SSL_connect(peers.client.get()), 1);
  accepts.join();
  EXPECT_EQ(accepted, 1);
}

}  // namespace
}  // namespace openssl_event::testing
