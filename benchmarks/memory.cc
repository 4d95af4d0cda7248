// What connections keep: heap of idle ones, memory of those that wait for a signature.
#define OPENSSL_SUPPRESS_DEPRECATED  // RSA_METHOD, to pause an ASYNC job at the signature

#include <openssl/async.h>
#include <openssl/rsa.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

#include "benchmarks/groups.h"
#include "benchmarks/support/memory.h"
#include "benchmarks/support/peers.h"

namespace benchmarks {
namespace {

// ---- Idle: a handshake, 16 KiB each way, then nothing ----

void exchange(PlainPeer& client, PlainPeer& server, const std::vector<char>& data, Wire& wire) {
  client.write(data.data(), data.size(), wire);
  require(server.read(wire) == data.size(), "receiving");
  server.write(data.data(), data.size(), wire);
  require(client.read(wire) == data.size(), "receiving");
}

void exchange(PlainPeer& client, Machine& server, const std::vector<char>& data, Wire& wire) {
  client.write(data.data(), data.size(), wire);
  server.receive(wire);
  server.pump(wire, InPlace{server.get()});
  openssl_putEvent(server.get(), openssl_newCleartextInEvent(data.data(), data.size()));
  server.pump(wire, InPlace{server.get()});
  require(client.read(wire) == data.size(), "receiving");
}

// Its client is gone when it returns.
template <class Server, class... Role>
std::unique_ptr<Server> make_idle(SSL_CTX* server_side, SSL_CTX* client_side, Role... role) {
  static const std::vector<char> data(OPENSSL_MAX_PLAINTEXT, 'x');
  static Wire wire;
  PlainPeer client(client_side);
  auto server = std::make_unique<Server>(server_side, role...);
  connect(client, *server);
  exchange(client, *server, data, wire);
  return server;
}

// Per connection. `Server` is made of a context and, for a plain peer, the word that it is one.
template <class Server, class... Role>
double idle_heap(const char* what, SSL_CTX* server_side, SSL_CTX* client_side, int count, Role... role) {
  std::vector<std::unique_ptr<Server>> servers(static_cast<std::size_t>(count));
  const auto first = make_idle<Server>(server_side, client_side, role...);  // brings what all share
  const double before = heap();
  Progress progress(what, count);
  for (auto& server : servers) {
    server = make_idle<Server>(server_side, client_side, role...);
    progress.step();
  }
  return (heap() - before) / count;
}

// ---- Suspended ----

std::vector<Machine> park_machines(SSL_CTX* server_side, const Wire& hello, int count) {
  std::vector<Machine> servers;
  Wire nothing;
  for (int i = 0; i < count; ++i) {
    servers.emplace_back(server_side);
    Wire there = hello;
    servers.back().receive(there);
    servers.back().pump(nothing, [](OPENSSL_EVENT*) {});
    require(openssl_wants(servers.back().get()) == OPENSSL_WANTS_REPLY, "parking at the signature");
  }
  return servers;
}

int pause_job(int, const unsigned char*, unsigned char*, RSA*, int) {
  ASYNC_pause_job();
  return -1;
}

// The same RSA key, whose signature pauses the ASYNC job it runs in.
Key pausing_key(EVP_PKEY* key) {
  static RSA_METHOD* method = [] {
    RSA_METHOD* made = RSA_meth_dup(RSA_get_default_method());
    RSA_meth_set_priv_enc(made, pause_job);
    return made;
  }();
  RSA* rsa = EVP_PKEY_get1_RSA(key);
  Key pausing(EVP_PKEY_new());
  require(rsa && RSA_set_method(rsa, method) && EVP_PKEY_assign_RSA(pausing.get(), rsa), "making a key that pauses");
  return pausing;
}

std::vector<PlainPeer> park_plain(SSL_CTX* server_side, const Wire& hello, int count) {
  std::vector<PlainPeer> servers;
  for (int i = 0; i < count; ++i) {
    SSL* ssl = servers.emplace_back(server_side, true).ssl();
    BIO_write(servers.back().in(), hello.bytes.data(), static_cast<int>(hello.len));
    const int value = SSL_do_handshake(ssl);
    require(SSL_get_error(ssl, value) == SSL_ERROR_WANT_ASYNC, "parking at the signature");
  }
  return servers;
}

// A little is parked and stays so, that the process has what all share; then `count` more.
template <class Park>
double resident_each(Park&& park, int count) {
  const auto first = park(20);
  const double before = resident_memory();
  const auto more = park(count);
  return (resident_memory() - before) / count;
}

// In a process of its own, so that memory which one measurement has freed does not serve the next one.
template <class Measure>
double in_child(Measure&& measure) {
  int ends[2];
  require(pipe(ends) == 0, "pipe");
  const pid_t child = fork();
  require(child >= 0, "fork");
  double result = 0;
  if (child == 0) {
    result = measure();
    _exit(write(ends[1], &result, sizeof result) == sizeof result ? 0 : 1);
  }
  close(ends[1]);
  require(read(ends[0], &result, sizeof result) == sizeof result, "measuring in a child");
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return result;
}

}  // namespace

void run_idle_heap(Report& report, const Settings& settings) {
  const Credentials credentials = make_credentials(KeyKind::p256);
  const Context server_side = server_context(credentials, credentials.offloaded.get(), Buffers::released);
  const Context client_side = client_context(TLS1_3_VERSION, Buffers::released);
  const int count = settings.rounds(2000, 20);
  const double machine = idle_heap<Machine>("idle_heap_bytes", server_side.get(), client_side.get(), count);
  const double plain = idle_heap<PlainPeer>("idle_heap_bytes, libssl", server_side.get(), client_side.get(), count, true);
  report.title("Heap of an idle server connection after 16 KiB each way, released buffers, bytes");
  report.row({"libssl with memory BIOs", number(plain, 0)});
  report.row({"machine", number(machine, 0)});
  report.figure("idle_heap_bytes", machine);
}

void run_suspended_resident(Report& report, const Settings& settings) {
  const Credentials credentials = make_credentials(KeyKind::rsa2048);
  const Context machine_side = server_context(credentials, credentials.offloaded.get(), Buffers::released);
  const Key pausing = pausing_key(credentials.key.get());
  const Context plain_side = server_context(credentials, pausing.get(), Buffers::released);
  SSL_CTX_set_mode(plain_side.get(), SSL_MODE_ASYNC);
  const Context client_side = client_context();
  const Wire hello = client_hello(client_side.get());
  const int count = settings.rounds(1000, 10);
  const double machine = in_child(
      [&] { return resident_each([&](int n) { return park_machines(machine_side.get(), hello, n); }, count); });
  const double plain = in_child(
      [&] { return resident_each([&](int n) { return park_plain(plain_side.get(), hello, n); }, count); });
  report.title("Resident memory of a server handshake that waits for its RSA-2048 signature, stack included, bytes");
  report.row({"libssl with SSL_MODE_ASYNC", number(plain, 0)});
  report.row({"machine", number(machine, 0)});
  report.figure("suspended_resident_bytes", machine);
}

}  // namespace benchmarks
