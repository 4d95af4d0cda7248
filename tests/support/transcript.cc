#include "tests/support/transcript.h"

#include <regex>

namespace openssl_event::testing {
namespace {

bool is_worth_a_line(int direction, int kind) {
  return direction == OPENSSL_TRACE_GET || kind == OPENSSL_CLEARTEXT_IN_KIND || kind == OPENSSL_ENGINE_CALL_IN_KIND;
}

std::string without_lengths(const std::string& line) {
  static const std::regex record(R"(^(RECORD_\w+) \d+ bytes)");
  static const std::regex operands(R"(, \d+ bytes\))");
  return std::regex_replace(std::regex_replace(line, record, "$1"), operands, ")");
}

}  // namespace

Transcript::Transcript(openssl_t* tls) { openssl_setTrace(tls, note, this); }

void Transcript::note(void* transcript, openssl_t*, int direction, const OPENSSL_EVENT* e) {
  if (!is_worth_a_line(direction, e->kind)) return;
  char line[400];
  openssl_describe(e, line, sizeof line);
  auto& text = static_cast<Transcript*>(transcript)->text_;
  text += direction == OPENSSL_TRACE_PUT ? "put " : "get ";
  text += without_lengths(line) + '\n';
}

}  // namespace openssl_event::testing
