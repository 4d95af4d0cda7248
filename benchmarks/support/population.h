// Connections that do nothing beside busy ones, each population in a process of its own: what they cost.
#ifndef BENCHMARKS_SUPPORT_POPULATION_H
#define BENCHMARKS_SUPPORT_POPULATION_H

#include <sys/types.h>

#include "benchmarks/support/peers.h"

namespace benchmarks {

constexpr int kBusy = 100;

// How the server machines of a population are made. Clients of the idle ones go as soon as they are idle.
struct Kind {
  SSL_CTX* server;
  SSL_CTX* client;
  bool traffic = false;       // each idle one has had a request and an answer
  bool releases_ssl = false;  // by openssl_releaseSsl
};

// A population in a process of its own, which measures when it is told to.
class Household {
 public:
  // `what` is for the progress.
  Household(const char* what, const Kind& kind, int idle);
  ~Household();
  Household(const Household&) = delete;
  Household& operator=(const Household&) = delete;

  // A request and its answer of 100 bytes on each busy connection, `passes` times: nanoseconds an event.
  double busy(int passes) { return ask(passes); }
  // A record sent, to nobody, on `count` connections chosen at random among the idle ones: likewise.
  double random(int count) { return ask(-count); }
  // Resident memory that making all of them took, bytes.
  double resident() { return ask(0); }

 private:
  double ask(int order);

  pid_t child_;
  int order_;
  int answer_;
};

}  // namespace benchmarks

#endif
