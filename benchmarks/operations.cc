// What is left for the network thread of a TLS 1.3 server when every expensive operation is a call: beside plain libssl on
// memory BIOs, in one run.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/support/peers.h"
#include "benchmarks/support/report.h"
#include "benchmarks/support/worker.h"

namespace benchmarks {
namespace {

// The longest library call of a handshake, and all of them.
struct CallTimes {
  std::int64_t longest = 0;
  std::int64_t sum = 0;

  template <class Function>
  auto operator()(Function&& function) {
    const std::int64_t begin = now();
    auto result = function();
    const std::int64_t took = now() - begin - thread_clock_cost();
    sum += took;
    if (took > longest) longest = took;
    return result;
  }
};

// What else a context does in a handshake; the suffix of its figures.
struct Variant {
  const char* suffix;
  bool tickets;
  bool prepared;  // for the record path, whose capture of secrets costs time
};
constexpr Variant kVariants[] = {
    {"", false, false}, {"_tickets", true, false}, {"_capture", false, true}, {"_tickets_capture", true, true}};

struct Sides {
  OSSL_LIB_CTX* library = openssl_newOffloadContext(nullptr, nullptr, nullptr);
  Credentials credentials;
  Context plain, machine, client = client_context();

  Sides(KeyKind kind, const Variant& variant) : credentials(make_credentials(kind)) {
    require(library != nullptr, "openssl_newOffloadContext");
    plain = server_context(credentials, credentials.key.get());
    machine = server_context(credentials, credentials.key.get(), Buffers::kept, library);
    for (SSL_CTX* context : {plain.get(), machine.get()})
      if (!variant.tickets) require(SSL_CTX_set_num_tickets(context, 0), "SSL_CTX_set_num_tickets");
    if (variant.prepared) require(openssl_prepareContext(machine.get()), "openssl_prepareContext");
  }
  ~Sides() {
    machine.reset();
    openssl_freeOffloadContext(library);
  }
  Sides(const Sides&) = delete;
  Sides& operator=(const Sides&) = delete;
};

// A connection of the storm.
template <class Server>
struct Both {
  Both(SSL_CTX* client_side, SSL_CTX* server_side) : client(client_side), server(server_side, true) {}
  bool done() const { return client.done() && server.done(); }

  PlainPeer client;
  Server server;
  Wire there, back;
  bool waits = false;  // for the worker
};

template <class Server>
std::vector<std::unique_ptr<Both<Server>>> make_several(SSL_CTX* client_side, SSL_CTX* server_side, int count) {
  std::vector<std::unique_ptr<Both<Server>>> several;
  for (int i = 0; i < count; ++i) several.push_back(std::make_unique<Both<Server>>(client_side, server_side));
  return several;
}

// So many handshakes at a time, flight by flight.
CallTimes plain_handshakes(Sides& sides, int count) {
  const auto several = make_several<PlainPeer>(sides.client.get(), sides.plain.get(), count);
  CallTimes times;
  while (std::any_of(several.begin(), several.end(), [](auto& one) { return !one->done(); }))
    for (auto& one : several) {
      one->client.handshake(one->back, one->there);
      one->server.handshake(one->there, one->back, times);
    }
  return times;
}

// All calls go to the worker; the network thread goes on with another connection, and sleeps when each of them waits.
class MachineHandshakes {
 public:
  MachineHandshakes(Sides& sides, Worker& worker, int count)
      : worker_(worker), several_(make_several<Machine>(sides.client.get(), sides.machine.get(), count)), left_(count) {
    for (auto& one : several_) openssl_setUser(one->server.get(), one.get());
  }

  CallTimes run() {
    for (auto& one : several_) exchange(*one);
    while (left_ > 0) {
      worker_.wait();
      while (OPENSSL_EVENT* e = times_([&] { return openssl_collectCompletion(worker_.completions); })) go_on(e);
    }
    return times_;
  }

 private:
  void go_on(OPENSSL_EVENT* e) {
    auto& one = *static_cast<Both<Machine>*>(e->e.user);
    one.waits = false;
    times_([&] { return openssl_returnEvent(e); });
    pump(one);
    exchange(one);
  }

  void exchange(Both<Machine>& one) {
    while (!one.waits && !one.done()) {
      one.client.handshake(one.back, one.there);
      one.server.receive(one.there, times_);
      pump(one);
    }
    if (!one.waits) --left_;
  }

  void pump(Both<Machine>& one) {
    const auto submit = [&](OPENSSL_EVENT* e) {
      one.waits = true;
      require(times_([&] { return openssl_submitCall(worker_.workers, e, worker_.completions); }),
              "openssl_submitCall");
    };
    one.server.pump(one.back, submit, times_);
  }

  Worker& worker_;
  std::vector<std::unique_ptr<Both<Machine>>> several_;
  int left_;
  CallTimes times_;
};

// From making both ends to freeing them.
template <class Server, class Execute>
std::int64_t whole_handshake(SSL_CTX* client_side, SSL_CTX* server_side, Execute&& drive) {
  Wire there, back;
  const std::int64_t begin = now();
  {
    PlainPeer client(client_side);
    Server server(server_side, true);
    while (!client.done() || !server.done()) {
      client.handshake(back, there);
      drive(server, there, back);
    }
  }
  return now() - begin;
}

// How many handshakes the network thread has at a time: a storm of them is when its time is short.
constexpr int kStorm = 8;

struct Names {
  const char* longest;
  const char* thread;
  const char* in_place;
};

void report_row(Report& report, const std::string& name, const Samples& samples) {
  report.row({name, number(samples.median() / 1e3), number(samples.percentile(90) / 1e3),
              number(samples.percentile(99) / 1e3)});
}

// The longest call is that of a handshake alone, when what it needs is in no cache.
void run_offloaded(Report& report, Sides& sides, const Names& names, const std::string& suffix, Worker& worker,
                   int rounds) {
  Samples plain, plain_sum, machine, machine_sum;
  Progress progress(names.longest, rounds);
  for (int i = 0; i < rounds; ++i, progress.step()) {
    const CallTimes of_plain = plain_handshakes(sides, 1);
    const CallTimes of_machine = MachineHandshakes(sides, worker, 1).run();
    plain.add(of_plain.longest);
    plain_sum.add(of_plain.sum);
    machine.add(of_machine.longest);
    machine_sum.add(of_machine.sum);
  }
  report_row(report, "longest call, libssl", plain);
  report_row(report, "longest call, all offloaded", machine);
  report_row(report, "network thread, libssl, one at a time", plain_sum);
  report_row(report, "network thread, all offloaded", machine_sum);
  report.figure((names.longest + suffix).c_str(), machine.median() / plain.median());
  report.figure((names.thread + suffix + "_one_at_a_time").c_str(), machine_sum.median() / plain_sum.median());
}

void run_storm(Report& report, Sides& sides, const Names& names, const std::string& suffix, Worker& worker,
               int rounds) {
  Samples plain, machine;
  Progress progress(names.thread, rounds);
  for (int i = 0; i < rounds; ++i, progress.step()) {
    plain.add(plain_handshakes(sides, kStorm).sum / kStorm);
    machine.add(MachineHandshakes(sides, worker, kStorm).run().sum / kStorm);
  }
  report_row(report, "network thread, libssl, eight at a time", plain);
  report_row(report, "network thread, all offloaded", machine);
  report.figure((names.thread + suffix).c_str(), machine.median() / plain.median());
}

void run_in_place(Report& report, Sides& sides, const Names& names, const std::string& suffix, int rounds) {
  Samples plain, machine;
  Progress progress(names.in_place, rounds);
  for (int i = 0; i < rounds; ++i, progress.step()) {
    plain.add(whole_handshake<PlainPeer>(sides.client.get(), sides.plain.get(), [](PlainPeer& server, Wire& in, Wire& out) {
      server.handshake(in, out);
    }));
    machine.add(whole_handshake<Machine>(sides.client.get(), sides.machine.get(), [](Machine& server, Wire& in, Wire& out) {
      server.handshake(in, out, InPlace{server.get()});
    }));
  }
  report_row(report, "whole handshake, libssl", plain);
  report_row(report, "whole handshake, calls in place", machine);
  report.figure((names.in_place + suffix).c_str(), machine.median() / plain.median());
}

void run_key(Report& report, KeyKind kind, const char* title, const Names& names, Worker& worker,
             const Settings& settings) {
  for (const Variant& variant : kVariants) {
    Sides sides(kind, variant);
    report.title((std::string(title) + (variant.tickets ? ", tickets" : "") +
                  (variant.prepared ? ", secrets captured" : "") + ", microseconds").c_str());
    report.row({"", "p50", "p90", "p99"});
    run_offloaded(report, sides, names, variant.suffix, worker, settings.rounds(1500, 5));
    run_storm(report, sides, names, variant.suffix, worker, settings.rounds(300, 2));
    run_in_place(report, sides, names, variant.suffix, settings.rounds(1500, 5));
  }
}

constexpr Names kRsa = {"longest_call_ratio_all_rsa2048", "network_thread_ratio_all_rsa2048", "all_in_place_ratio"};
constexpr Names kP256 = {"longest_call_ratio_all_p256", "network_thread_ratio_all_p256", "all_in_place_ratio_p256"};

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
  using namespace benchmarks;
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) != "--quick") {
      std::fprintf(stderr, "usage: operations [--quick]\n");
      return 2;
    }
    settings.quick = true;
  }
  std::FILE* figures = std::tmpfile();
  require(figures != nullptr, "tmpfile");
  {
    Report report(figures);
    Worker worker(part_processors());
    run_key(report, KeyKind::rsa2048, "TLS 1.3 server, RSA-2048", kRsa, worker, settings);
    run_key(report, KeyKind::p256, "TLS 1.3 server, P-256", kP256, worker, settings);
  }
  std::rewind(figures);
  char name[128];
  double value;
  while (std::fscanf(figures, "%127s %lf", name, &value) == 2) std::printf("FIGURE %s %.6g\n", name, value);
  std::fclose(figures);
  return 0;
}
