#include "tests/support/end.h"

#include <algorithm>

namespace openssl_event::testing {

void deliver(End& to, std::string_view bytes, std::size_t chunk) {
  while (!bytes.empty()) {
    to.receive(bytes.substr(0, chunk));
    to.work();
    bytes.remove_prefix(std::min(chunk, bytes.size()));
  }
}

void carry(End& a, End& b, std::size_t chunk) {
  for (;;) {
    a.work();
    b.work();
    const std::string from_a = a.take_output();
    const std::string from_b = b.take_output();
    if (from_a.empty() && from_b.empty()) return;
    deliver(b, from_a, chunk);
    deliver(a, from_b, chunk);
  }
}

}  // namespace openssl_event::testing
