// Whether connections that do nothing make the others dearer: the cost of an event on busy connections with and without
// many idle ones in the process.
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <random>

#include "benchmarks/groups.h"
#include "benchmarks/support/peers.h"

namespace benchmarks {
namespace {

constexpr std::size_t kBusy = 100;
constexpr std::size_t kSize = 100;

// A population of server machines; the clients of the busy ones stay, the others' have gone.
class Population {
 public:
  Population(SSL_CTX* server_side, SSL_CTX* client_side, int idle) {
    const int step = idle / static_cast<int>(kBusy) + 1;  // the busy ones are spread among the others
    Progress progress("event_cost_growth, connections", idle + static_cast<int>(kBusy));
    for (std::size_t i = 0; i < kBusy; ++i) {
      add_busy(server_side, client_side);
      progress.step();
      for (int j = 1; j < step; ++j, progress.step()) add_idle(server_side, client_side);
    }
  }

  // A request and its answer on each busy connection, `passes` times. Nanoseconds an event.
  double busy(int passes) {
    std::int64_t time = 0;
    events_ = 0;
    for (int pass = 0; pass < passes; ++pass) {
      for (std::size_t i = 0; i < kBusy; ++i) clients_[i].write(data_, kSize, requests_[i]);
      const std::int64_t begin = now();
      for (std::size_t i = 0; i < kBusy; ++i) answer(*busy_[i], requests_[i], answers_[i]);
      time += now() - begin;
      for (std::size_t i = 0; i < kBusy; ++i) require(clients_[i].read(answers_[i]) == kSize, "answering");
    }
    return static_cast<double>(time) / events_;
  }

  // A record sent, to nobody, on `count` connections chosen at random among all that have no client.
  double random(int count) {
    std::uniform_int_distribution<std::size_t> any(0, idle_.size() - 1);
    std::int64_t time = 0;
    events_ = 0;
    for (int i = 0; i < count; ++i) {
      Machine& machine = *idle_[any(chance_)];
      const std::int64_t begin = now();
      send(machine);
      drop(machine);
      time += now() - begin;
    }
    return static_cast<double>(time) / events_;
  }

 private:
  void add_busy(SSL_CTX* server_side, SSL_CTX* client_side) {
    clients_.emplace_back(client_side);
    busy_.push_back(std::make_unique<Machine>(server_side));
    connect(clients_.back(), *busy_.back());
    requests_.emplace_back(1024);
    answers_.emplace_back(1024);
  }
  void add_idle(SSL_CTX* server_side, SSL_CTX* client_side) {
    PlainPeer client(client_side);
    idle_.push_back(std::make_unique<Machine>(server_side));
    connect(client, *idle_.back());
  }

  void send(Machine& machine) {
    openssl_putEvent(machine.get(), openssl_newCleartextInEvent(data_, kSize));
    ++events_;
  }
  void answer(Machine& machine, Wire& request, Wire& answer) {
    machine.receive(request);
    ++events_;
    while (OPENSSL_EVENT* e = openssl_getEvent(machine.get())) {
      ++events_;
      switch (e->kind) {
        case OPENSSL_CLEARTEXT_OUT_KIND:
          openssl_putEvent(machine.get(), e);
          send(machine);
          break;
        case OPENSSL_RECORD_OUT_KIND: openssl_queueRecord(machine.get(), e); break;
        default: openssl_freeEvent(e);
      }
    }
    machine.send(answer);
  }
  void drop(Machine& machine) {
    while (OPENSSL_EVENT* e = openssl_getEvent(machine.get())) {
      ++events_;
      if (e->kind == OPENSSL_RECORD_OUT_KIND)
        openssl_putEvent(machine.get(), e);
      else
        openssl_freeEvent(e);
    }
  }

  std::vector<PlainPeer> clients_;
  std::vector<std::unique_ptr<Machine>> busy_;
  std::vector<std::unique_ptr<Machine>> idle_;
  std::vector<Wire> requests_;
  std::vector<Wire> answers_;
  std::mt19937 chance_{1};
  int events_ = 0;
  char data_[kSize] = {};
};

// A population in a process of its own, which measures when it is told to.
class Household {
 public:
  Household(SSL_CTX* server_side, SSL_CTX* client_side, int idle) {
    int orders[2], answers[2];
    require(pipe(orders) == 0 && pipe(answers) == 0, "pipe");
    child_ = fork();
    require(child_ >= 0, "fork");
    if (child_ == 0) {
      close(orders[1]);
      close(answers[0]);
      live(Population(server_side, client_side, idle), orders[0], answers[1]);
      _exit(0);
    }
    close(orders[0]);
    close(answers[1]);
    order_ = orders[1];
    answer_ = answers[0];
  }
  ~Household() {
    close(order_);
    close(answer_);
    waitpid(child_, nullptr, 0);
  }
  Household(const Household&) = delete;
  Household& operator=(const Household&) = delete;

  double busy(int passes) { return ask(passes); }
  double random(int count) { return ask(-count); }

 private:
  static void live(Population&& population, int orders, int answers) {
    int order = 0;
    while (read(orders, &order, sizeof order) == sizeof order) {
      if (order > 0) population.busy(order / 4 + 1);  // the processor has just done something else
      const double answer = order > 0 ? population.busy(order) : population.random(-order);
      if (write(answers, &answer, sizeof answer) != sizeof answer) return;
    }
  }
  double ask(int order) {
    double answer = 0;
    require(write(order_, &order, sizeof order) == sizeof order && read(answer_, &answer, sizeof answer) == sizeof answer,
            "measuring in a child");
    return answer;
  }

  pid_t child_;
  int order_;
  int answer_;
};

}  // namespace

void run_event_cost(Report& report, const Settings& settings) {
  const Credentials credentials = make_credentials(KeyKind::p256);
  const Context server_side = server_context(credentials, credentials.offloaded.get(), Buffers::released);
  const Context client_side = client_context();
  const int idle = settings.rounds(20000, 200), rounds = settings.rounds(400, 3), passes = settings.rounds(20, 2);
  Household alone(server_side.get(), client_side.get(), 0), crowded(server_side.get(), client_side.get(), idle);
  Samples without, with, random;
  alone.busy(passes);
  crowded.busy(passes);
  Progress progress("event_cost_growth", rounds);
  for (int i = 0; i < rounds; ++i, progress.step()) {
    without.add(alone.busy(passes));
    with.add(crowded.busy(passes));
    random.add(crowded.random(settings.rounds(1000, 20)));
  }
  report.title("Cost of an event, records of 100 bytes, p50, nanoseconds");
  report.row({"100 busy connections", number(without.median(), 0)});
  report.row({"the same beside " + std::to_string(idle) + " idle ones", number(with.median(), 0)});
  report.row({"a random one of all each time (sending)", number(random.median(), 0)});
  report.figure("event_cost_growth", with.median() / without.median());
  report.figure("event_cost_random_us", random.median() / 1e3);
}

}  // namespace benchmarks
