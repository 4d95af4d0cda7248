// Ten thousand connections at a time, all of them answered while all are open.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "tests/examples/server.h"
#include "tests/examples/socket.h"

namespace {

constexpr rlim_t kCrowd = 10000;
constexpr rlim_t kOthers = 200;  // descriptors of other things

// How many connections the limits allow, which it raises as far as it may; the server inherits them.
rlim_t raise_limits() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t wanted = kCrowd + kOthers;
  if (limit.rlim_max < wanted) {
    const rlimit more = {wanted, wanted};
    if (setrlimit(RLIMIT_NOFILE, &more) == 0) return kCrowd;  // as root
  }
  limit.rlim_cur = std::min(std::max(limit.rlim_cur, wanted), limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
  return std::min(kCrowd, limit.rlim_cur - kOthers);
}

struct Client {
  int fd = -1;
  SSL* ssl = nullptr;
};

// The server that this test is of, and what it answers to with these letters.
struct Kind {
  Command command;
  std::string request;
};

Kind kind_of_server() {
  const std::string program = https_server_program();
  if (program.ends_with("echo_server")) return {{program, "--port", "0"}, "\r\n\r\nabcdefghij"};
  return {https_server({"--ec", "--idle-timeout", "600"}), "GET /bytes/10 HTTP/1.1\r\nHost: a\r\n\r\n"};
}

bool ask(const Client& client, const std::string& request) {
  char answer[4096];
  int got = 0;
  if (SSL_write(client.ssl, request.data(), static_cast<int>(request.size())) <= 0) return false;
  while (got < 10 || std::string(answer, static_cast<std::size_t>(got)).find("\r\n\r\nabcdefghij") == std::string::npos) {
    const int n = SSL_read(client.ssl, answer + got, static_cast<int>(sizeof answer) - got);
    if (n <= 0) return false;
    got += n;
  }
  return true;
}

TEST(Crowd, TenThousandConnectionsAreServed) {
  const rlim_t count = raise_limits();
  if (count < kCrowd)
    std::printf("only %lu connections: the hard limit of open files is %lu, and this is not root\n", static_cast<unsigned long>(count),
                static_cast<unsigned long>(count + kOthers));
  const Kind kind = kind_of_server();
  Server server(kind.command);
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  std::vector<Client> clients(count);
  for (Client& client : clients) {
    client = {connect_to_loopback(server.port()), SSL_new(context)};
    SSL_set_fd(client.ssl, client.fd);
    ASSERT_EQ(SSL_connect(client.ssl), 1) << ERR_reason_error_string(ERR_peek_error());
  }
  for (int round = 0; round < 2; ++round)  // all are there still when the first one asks again
    for (const Client& client : clients) ASSERT_TRUE(ask(client, kind.request));
  for (const Client& client : clients) {
    SSL_free(client.ssl);
    close(client.fd);
  }
  EXPECT_EQ(server.stop(), 0) << server.process().errors();
  SSL_CTX_free(context);
}

}  // namespace
