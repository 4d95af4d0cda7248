#include "benchmarks/support/report.h"

#include <unistd.h>

#include "benchmarks/support/samples.h"

namespace benchmarks {

void Report::title(const char* text) { std::printf("\n%s\n", text); }

void Report::row(std::initializer_list<std::string> cells) {
  bool first = true;
  for (const std::string& cell : cells) {
    std::printf(first ? "  %-46s" : " %14s", cell.c_str());
    first = false;
  }
  std::printf("\n");
}

void Report::figure(const char* name, double value) { std::fprintf(figures_, "%s %.17g\n", name, value); }

std::string number(double value, int decimals, const char* unit) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f%s%s", decimals, value, *unit ? " " : "", unit);
  return text;
}

Progress::Progress(const char* what, int steps) : what_(what), steps_(steps), terminal_(isatty(STDERR_FILENO)) { show(); }

Progress::~Progress() {
  if (terminal_) std::fprintf(stderr, "\r\033[K");
}

void Progress::step() {
  ++done_;
  const long long time = now();
  const long long interval = terminal_ ? 200'000'000 : 5'000'000'000;
  if (shown_ == 0) shown_ = time;
  if (time - shown_ < interval) return;
  shown_ = time;
  show();
}

void Progress::show() const {
  std::fprintf(stderr, terminal_ ? "\r\033[K%s: %d of %d" : "%s: %d of %d\n", what_, done_, steps_);
  std::fflush(stderr);
}

}  // namespace benchmarks
