#include "benchmarks/support/population.h"

#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <random>

#include "benchmarks/support/memory.h"
#include "benchmarks/support/report.h"

namespace benchmarks {
namespace {

constexpr std::size_t kSize = 100;

// Server machines; the clients of the busy ones stay.
class Population {
 public:
  Population(const char* what, const Kind& kind, int idle) : kind_(kind) {
    const int step = idle / kBusy + 1;  // the busy ones are spread among the others
    Progress progress(what, idle + kBusy);
    idle_.reserve(static_cast<std::size_t>(idle));
    add_busy();  // what the first one needs for all is not counted
    const double before = resident_memory();
    for (int i = 0; i < kBusy; ++i) {
      if (i) add_busy();
      progress.step();
      for (int j = 1; j < step; ++j, progress.step()) add_idle();
    }
    resident_ = resident_memory() - before;
  }
  double resident() const { return resident_; }

  // A request and its answer on each busy connection, `passes` times. Nanoseconds an event.
  double busy(int passes) {
    std::int64_t time = 0;
    events_ = 0;
    for (int pass = 0; pass < passes; ++pass) {
      for (std::size_t i = 0; i < busy_.size(); ++i) clients_[i].write(data_, kSize, requests_[i]);
      const std::int64_t begin = now();
      for (std::size_t i = 0; i < busy_.size(); ++i) answer(*busy_[i], requests_[i], answers_[i]);
      time += now() - begin;
      for (std::size_t i = 0; i < busy_.size(); ++i) require(clients_[i].read(answers_[i]) == kSize, "answering");
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
      const std::int64_t begin = wall_now();
      send(machine);
      drop(machine);
      time += wall_now() - begin - clock_cost();
    }
    return static_cast<double>(time) / events_;
  }

 private:
  void add_busy() {
    clients_.emplace_back(kind_.client);
    busy_.push_back(std::make_unique<Machine>(kind_.server));
    connect(clients_.back(), *busy_.back());
    requests_.emplace_back(1024);
    answers_.emplace_back(1024);
  }
  void add_idle() {
    PlainPeer client(kind_.client);
    Machine& machine = *idle_.emplace_back(std::make_unique<Machine>(kind_.server));
    connect(client, machine);
    if (kind_.traffic) {
      Wire& request = requests_.front();
      Wire& reply = answers_.front();
      client.write(data_, kSize, request);
      answer(machine, request, reply);
      require(client.read(reply) == kSize, "answering");
    }
    if (!kind_.releases_ssl) return;
    openssl_releaseSsl(machine.get());
    require(!openssl_getEvent(machine.get()) && !openssl_ssl(machine.get()), "freeing the SSL");
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
        case OPENSSL_RECORD_OUT_KIND:
          openssl_queueRecord(machine.get(), e);
          break;
        default:
          openssl_freeEvent(e);
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

  const Kind kind_;
  double resident_ = 0;
  std::vector<PlainPeer> clients_;
  std::vector<std::unique_ptr<Machine>> busy_;
  std::vector<std::unique_ptr<Machine>> idle_;
  std::vector<Wire> requests_;
  std::vector<Wire> answers_;
  std::mt19937 chance_{1};
  int events_ = 0;
  char data_[kSize] = {};
};

void live(Population&& population, int orders, int answers) {
  int order = 0;
  while (read(orders, &order, sizeof order) == sizeof order) {
    if (order > 0) population.busy(order / 4 + 1);  // the processor has just done something else
    const double answer = order > 0   ? population.busy(order)
                          : order < 0 ? population.random(-order)
                                      : population.resident();
    if (write(answers, &answer, sizeof answer) != sizeof answer) return;
  }
}

}  // namespace

Household::Household(const char* what, const Kind& kind, int idle) {
  int orders[2], answers[2];
  require(pipe(orders) == 0 && pipe(answers) == 0, "pipe");
  child_ = fork();
  require(child_ >= 0, "fork");
  if (child_ == 0) {
    close(orders[1]);
    close(answers[0]);
    live(Population(what, kind, idle), orders[0], answers[1]);
    _exit(0);
  }
  close(orders[0]);
  close(answers[1]);
  order_ = orders[1];
  answer_ = answers[0];
}

Household::~Household() {
  close(order_);
  close(answer_);
  waitpid(child_, nullptr, 0);
}

double Household::ask(int order) {
  double answer = 0;
  require(write(order_, &order, sizeof order) == sizeof order && read(answer_, &answer, sizeof answer) == sizeof answer,
          "measuring in a child");
  return answer;
}

}  // namespace benchmarks
