#include "tests/support/transcript.h"

#include <string_view>

namespace openssl_event::testing {
namespace {

bool is_worth_a_line(int direction, int kind) {
  return direction == OPENSSL_TRACE_GET || kind == OPENSSL_CLEARTEXT_IN_KIND || kind == OPENSSL_ENGINE_CALL_IN_KIND;
}

// "RECORD_OUT 127 bytes handshake", "ENGINE_CALL_OUT SIGN (RSA-2048 pss SHA256, 130 bytes)"
std::string without_lengths(std::string line) {
  const bool record = line.starts_with("RECORD_");
  if (!record && !line.starts_with("ENGINE_CALL_")) return line;
  const std::size_t start = record ? line.find(' ') : line.find(", ");
  const std::size_t end = line.find(" bytes", start);
  return line.erase(start, end + std::string_view(" bytes").size() - start);
}

// libssl names a peer's alert after the protocol that has brought it, or no longer: "sslv3 alert bad record mac" up to
// 3.1 is "ssl/tls alert bad record mac" from 3.2 on and "tls alert bad record mac" in 4.0.
std::string without_protocols(std::string line) {
  for (const std::string_view name : {"sslv3 alert ", "tlsv1 alert ", "ssl/tls alert ", "tls alert "})
    if (const std::size_t at = line.find(name); at != std::string::npos) line.erase(at, name.size());
  return line;
}

}  // namespace

Transcript::Transcript(openssl_t* tls) { openssl_setTrace(tls, note, this); }

void Transcript::note(void* transcript, openssl_t*, int direction, const OPENSSL_EVENT* e) {
  if (!is_worth_a_line(direction, e->kind)) return;
  char line[400];
  openssl_describe(e, line, sizeof line);
  auto& text = static_cast<Transcript*>(transcript)->text_;
  text += direction == OPENSSL_TRACE_PUT ? "put " : "get ";
  text += without_protocols(without_lengths(line)) + '\n';
}

}  // namespace openssl_event::testing
