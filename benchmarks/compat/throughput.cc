// throughput SIZE SECONDS: on stdout, bytes per second of processor time through SSL_write and SSL_read, each of SIZE
// bytes, over a socketpair with both ends in this thread. A program that knows nothing of the layer: run plain, and with
// it preloaded, it tells what the layer costs.
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <thread>
#include <vector>

#include "benchmarks/support/credentials.h"

namespace {

using namespace benchmarks;

double processor_seconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

struct Pair {
  Pair() : credentials(make_credentials(KeyKind::p256)) {
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, "socketpair");
    server_side = server_context(credentials, credentials.key.get());
    client_side = client_context();
    server.reset(SSL_new(server_side.get()));
    client.reset(SSL_new(client_side.get()));
    require(SSL_set_fd(server.get(), fds[0]) == 1 && SSL_set_fd(client.get(), fds[1]) == 1, "SSL_set_fd");
    std::thread accepts([this] { require(SSL_accept(server.get()) == 1, "SSL_accept"); });
    require(SSL_connect(client.get()) == 1, "SSL_connect");
    accepts.join();
  }

  // From the server to the client.
  void send(std::vector<char>& buffer) {
    const int size = static_cast<int>(buffer.size());
    require(SSL_write(server.get(), buffer.data(), size) == size, "SSL_write");
    for (int done = 0; done < size;) {
      const int read = SSL_read(client.get(), buffer.data(), size - done);
      require(read > 0, "SSL_read");
      done += read;
    }
  }

  Credentials credentials;
  Context server_side, client_side;
  int fds[2];
  std::unique_ptr<SSL, FreeOpenssl> server, client;
};

}  // namespace

int main(int argc, char** argv) {
  const long size = argc == 3 ? std::strtol(argv[1], nullptr, 10) : 0;
  const double seconds = argc == 3 ? std::strtod(argv[2], nullptr) : 0;
  if (size < 1 || size > 16384 || seconds <= 0) {
    std::fprintf(stderr, "usage: throughput SIZE SECONDS\n  SIZE: 1 to 16384 bytes\n");
    return 2;
  }
  Pair pair;
  std::vector<char> buffer(static_cast<std::size_t>(size));
  for (int i = 0; i < 200; ++i) pair.send(buffer);
  const double begin = processor_seconds();
  double end = begin;
  double bytes = 0;
  while (end - begin < seconds) {
    for (int i = 0; i < 100; ++i) pair.send(buffer);
    bytes += 100 * static_cast<double>(size);
    end = processor_seconds();
  }
  std::printf("%.0f\n", bytes / (end - begin));
}
