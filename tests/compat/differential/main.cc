// differential KEYS SCENARIO: runs one scenario over all transports and writes down every call. The same program runs on
// plain libssl and under the layer; what it writes must be the same.
#include <signal.h>

#include <cstdio>
#include <cstring>
#include <vector>

#include "tests/compat/differential/random.h"
#include "tests/compat/differential/setup.h"

using namespace openssl_event::testing;

namespace {

void run(const std::string& name, Scenario scenario, const Setup& setup) {
  Side::say("== " + name + " " + std::to_string(setup.version & 0xff) + " " + setup.key + " " + setup.transport + " chunk " +
            std::to_string(setup.chunk));
  scenario(setup);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 || !scenarios().count(argv[2])) {
    std::fprintf(stderr, "usage: differential KEYS SCENARIO\n");
    for (const auto& [name, scenario] : scenarios()) std::fprintf(stderr, "  %s\n", name.c_str());
    return 2;
  }
  static char buffer[1 << 16];
  setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
  use_repeatable_random();
  signal(SIGPIPE, SIG_IGN);
  const std::string name = argv[2];
  const Scenario scenario = scenarios().at(name);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
    for (const char* key : {"rsa", "ec", "ed25519"})
      for (const std::string& transport : transport_names())
        for (const std::size_t chunk : {0, 1, 7, 100}) {
          // The finest splits with the shortest flights only; over most transports one kind of key says it all.
          const bool is_main = transport == "fd" || transport == "memory" || transport == "custom";
          const bool is_short = std::strcmp(key, "ed25519") == 0;
          if (is_short ? is_main : std::strcmp(key, "ec") == 0 ? chunk != 1 && (is_main || !chunk) : is_main && !chunk)
            run(name, scenario, {argv[1], key, transport, version, chunk});
        }
  Side::say("end");
  return 0;
}
