// program COMMAND: some handshakes under the layer, as a program that knows nothing of it makes them; then COMMAND.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/compat/peers.h"

using namespace openssl_event::testing;

namespace {

bool is_secure = false;
volatile sig_atomic_t handled = 0;
void handler(int) { handled = 1; }

// Until the file that OPENSSL_EVENT_STATS names is not empty.
void wait_for_report() {
  for (int i = 0; i < 2000; ++i) {
    if (std::FILE* file = std::fopen(std::getenv("OPENSSL_EVENT_STATS"), "r")) {
      const bool has_bytes = std::fgetc(file) != EOF;
      std::fclose(file);
      if (has_bytes) return;
    }
    poll(nullptr, 0, 10);
  }
}

}  // namespace

// As in a set-user-id program.
extern "C" char* secure_getenv(const char* name) { return is_secure ? nullptr : getenv(name); }

int main(int argc, char** argv) {
  const char* command = argc > 1 ? argv[1] : "";
  is_secure = std::strcmp(command, "secure") == 0;
  if (std::strcmp(command, "own-handler") == 0) signal(SIGUSR2, handler);
  if (std::strcmp(command, "nothing") == 0) return 0;
  for (int i = 0; i < 5; ++i) {
    Peers peers;
    if (!peers.connect()) return 1;
  }
  if (std::strcmp(command, "title") == 0)
    for (char** variable = environ; *variable; ++variable) std::memset(*variable, 'x', std::strlen(*variable));
  if (std::strcmp(command, "signal") == 0) {
    raise(SIGUSR2);
    wait_for_report();
    _exit(0);
  }
  if (std::strcmp(command, "own-handler") == 0) {
    raise(SIGUSR2);
    return handled ? 0 : 2;
  }
  return 0;
}
