// What does a storm of new connections do to those that are there already? For each server named, one after the other:
// some threads make handshakes, one after the other, each on a connection of its own, while one keep-alive connection
// sends a request every two milliseconds and measures how long each answer takes.
//
//     storm_client [--handshakes N] [--concurrency N] [--seconds N] NAME=PORT...
//     storm_client "in place"=8443 "on workers"=8444
//
// A client on plain libssl, of blocking sockets. It connects to the loopback address only, and ends after N handshakes or
// so many seconds for each server, whatever comes first. It does not verify certificates: it measures.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "examples/latency_report.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPause = std::chrono::milliseconds(2);  // between two requests
constexpr int kPatience = 10;                          // seconds for one step of a connection
constexpr std::string_view kRequest = "GET /bytes/100 HTTP/1.1\r\nHost: localhost\r\n\r\n";

struct Target {
  std::string name;
  int port;
};

struct Arguments {
  int handshakes = 400;
  int concurrency = 8;
  int seconds = 10;
  std::vector<Target> targets;
};

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

int connect_to(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval patience = {kPatience, 0};
  const int on = 1;
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

// A TLS connection after its handshake.
class Client {
 public:
  Client(SSL_CTX* context, int port) : fd_(connect_to(port)), ssl_(SSL_new(context)) {
    ok_ = fd_ >= 0 && ssl_ && SSL_set_fd(ssl_.get(), fd_) && SSL_connect(ssl_.get()) == 1;
    ERR_clear_error();
  }
  ~Client() {
    if (ok_) SSL_shutdown(ssl_.get());
    ERR_clear_error();
    if (fd_ >= 0) close(fd_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool ok() const { return ok_; }

  // Sends the request and reads the whole answer.
  bool ask() {
    if (SSL_write(ssl_.get(), kRequest.data(), static_cast<int>(kRequest.size())) <= 0) return ok_ = false;
    std::string answer;
    while (!complete(answer)) {
      char buffer[4096];
      const int n = SSL_read(ssl_.get(), buffer, sizeof buffer);
      if (n <= 0) return ok_ = false;
      answer.append(buffer, static_cast<std::size_t>(n));
    }
    return true;
  }

 private:
  static bool complete(const std::string& answer) {
    const std::size_t head = answer.find("\r\n\r\n");
    return head != answer.npos && answer.size() >= head + 4 + 100;  // /bytes/100
  }

  const int fd_;
  const std::unique_ptr<SSL, Free> ssl_;
  bool ok_ = false;
};

// The threads that make handshakes, and what they have done.
class Storm {
 public:
  Storm(SSL_CTX* context, int port, const Arguments& arguments)
      : context_(context), port_(port), most_(arguments.handshakes), end_(Clock::now() + std::chrono::seconds(arguments.seconds)) {
    running_ = arguments.concurrency;
    for (int i = 0; i < arguments.concurrency; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Storm() {
    for (std::thread& thread : threads_) thread.join();
  }
  bool running() const { return running_ > 0; }
  std::size_t done() const { return done_; }
  std::size_t failed() const { return failed_; }

 private:
  void work() {
    while (Clock::now() < end_ && begun_++ < most_) {
      const Client client(context_, port_);
      ++(client.ok() ? done_ : failed_);
    }
    --running_;
  }

  SSL_CTX* const context_;
  const int port_;
  const int most_;
  const Clock::time_point end_;
  std::atomic<int> begun_{0}, running_{0};
  std::atomic<std::size_t> done_{0}, failed_{0};
  std::vector<std::thread> threads_;
};

double milliseconds(Clock::duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

// False: the keep-alive connection failed.
bool measure(SSL_CTX* context, const Target& target, const Arguments& arguments, Measurement& out) {
  out.name = target.name;
  Client keep_alive(context, target.port);
  if (!keep_alive.ok() || !keep_alive.ask()) {
    std::fprintf(stderr, "storm_client: no answer from port %d (%s); is the server running?\n", target.port, target.name.c_str());
    return false;
  }
  bool ok = true;
  const Clock::time_point begin = Clock::now();
  {
    Storm storm(context, target.port, arguments);
    while (ok && storm.running()) {
      const Clock::time_point asked = Clock::now();
      ok = keep_alive.ask();
      if (ok) out.latencies.push_back(milliseconds(Clock::now() - asked));
      std::this_thread::sleep_for(kPause);
    }
    out.seconds = milliseconds(Clock::now() - begin) / 1000;
    out.handshakes = storm.done();
    out.failed_handshakes = storm.failed();
  }
  if (!ok) std::fprintf(stderr, "storm_client: the keep-alive connection to %s broke\n", target.name.c_str());
  return ok;
}

bool read_number(std::string_view text, int least, int most, int& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out >= least && out <= most;
}

bool read_target(std::string_view text, std::vector<Target>& out) {
  const std::size_t equals = text.rfind('=');
  Target target = {std::string(text.substr(0, equals)), 0};
  if (equals == text.npos || !read_number(text.substr(equals + 1), 1, 65535, target.port)) return false;
  out.push_back(target);
  return true;
}

bool read_arguments(int argc, char** argv, Arguments& out) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    int* number = argument == "--handshakes"    ? &out.handshakes
                  : argument == "--concurrency" ? &out.concurrency
                  : argument == "--seconds"     ? &out.seconds
                                                : nullptr;
    const bool ok = number ? ++i < argc && read_number(argv[i], 1, 1'000'000, *number) : read_target(argument, out.targets);
    if (!ok) return false;
  }
  out.concurrency = std::min(out.concurrency, 256);
  out.seconds = std::min(out.seconds, 600);
  return !out.targets.empty();
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  const bool help = argc == 2 && std::string_view(argv[1]) == "--help";
  if (help || !read_arguments(argc, argv, arguments)) {
    std::fprintf(help ? stdout : stderr, "usage: storm_client [--handshakes N] [--concurrency N] [--seconds N] NAME=PORT...\n"
                         "  per server: 400 handshakes, 8 at a time, at most 10 seconds, unless given\n");
    return help ? 0 : 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  const std::unique_ptr<SSL_CTX, Free> context(SSL_CTX_new(TLS_client_method()));
  if (!context) return 1;
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // every handshake is a new one

  std::vector<Measurement> measurements(arguments.targets.size());
  for (std::size_t i = 0; i < measurements.size(); ++i)
    if (!measure(context.get(), arguments.targets[i], arguments, measurements[i])) return 1;
  print_table(measurements);
  std::printf("\nLatency of the keep-alive connection's requests\n");
  print_histogram(measurements);
  return 0;
}
