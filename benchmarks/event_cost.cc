// Whether connections that do nothing make the others dearer: the cost of an event on busy connections with and without
// many idle ones in the process.
#include "benchmarks/groups.h"
#include "benchmarks/support/population.h"

namespace benchmarks {

void run_event_cost(Report& report, const Settings& settings) {
  const Credentials credentials = make_credentials(KeyKind::p256);
  const Context server_side = server_context(credentials, credentials.offloaded.get(), Buffers::released);
  const Context client_side = client_context();
  const int idle = settings.rounds(20000, 200), rounds = settings.rounds(400, 3), passes = settings.rounds(20, 2);
  const Kind kind = {server_side.get(), client_side.get()};
  const char* const what = "event_cost_growth, connections";
  Household alone(what, kind, 0), crowded(what, kind, idle);
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
