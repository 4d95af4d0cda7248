#include "compat/settings.h"

#include <signal.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace openssl_event::compat {
namespace {

template <typename T>
struct Choice {
  const char* name;
  T value;
};

constexpr Choice<Offload> kOffload[] = {{"off", Offload::off}, {"sign", Offload::sign}, {"all", Offload::all}};
constexpr Choice<Nonblocking> kNonblocking[] = {
    {"edge", Nonblocking::edge}, {"wait", Nonblocking::wait}, {"inline", Nonblocking::inline_}};
constexpr Choice<RecordsTaken> kRecords[] = {
    {"on", RecordsTaken::on}, {"off", RecordsTaken::off}, {"always", RecordsTaken::always}};

template <typename T, std::size_t N>
void choose(const char* variable, const Choice<T> (&choices)[N], T& setting) noexcept {
  const char* text = secure_getenv(variable);
  if (!text || !*text) return;
  for (const auto& choice : choices)
    if (std::strcmp(text, choice.name) == 0) {
      setting = choice.value;
      return;
    }
  std::fprintf(stderr, "libssl_event_compat: %s=%s is not known; it takes", variable, text);
  for (const auto& choice : choices) std::fprintf(stderr, " %s", choice.name);
  std::fprintf(stderr, "; using %s\n", choices[0].value == setting ? choices[0].name : choices[1].name);
}

// A decimal number from `least` to `most`; anything else leaves the setting, with a message.
template <typename T>
void number(const char* variable, long least, long most, T& setting) noexcept {
  const char* text = secure_getenv(variable);
  if (!text || !*text) return;
  char* end = nullptr;
  errno = 0;
  const long value = std::strtol(text, &end, 10);
  if (errno == 0 && *end == '\0' && value >= least && value <= most)
    setting = static_cast<T>(value);
  else
    std::fprintf(stderr, "libssl_event_compat: %s=%s is not a number from %ld to %ld; ignored\n", variable, text, least, most);
}

// A copy, for good: a program that sets its title may write over its environment.
const char* text_or_null(const char* variable) noexcept {
  const char* text = secure_getenv(variable);
  return text && *text ? strdup(text) : nullptr;
}

Settings read_environment() noexcept {
  Settings settings;
  const int saved_errno = errno;
  number("OPENSSL_EVENT_WORKERS", 1, 1024, settings.workers);
  number("OPENSSL_EVENT_NICE", 0, 19, settings.nice);
  choose("OPENSSL_EVENT_OFFLOAD", kOffload, settings.offload);
  choose("OPENSSL_EVENT_NONBLOCKING", kNonblocking, settings.nonblocking);
  choose("OPENSSL_EVENT_RECORD_PATH", kRecords, settings.record_path);
  number("OPENSSL_EVENT_STATS_SIGNAL", 1, SIGRTMAX, settings.statistics_signal);
  settings.statistics = text_or_null("OPENSSL_EVENT_STATS");
  settings.trace = text_or_null("OPENSSL_EVENT_TRACE");
  errno = saved_errno;
  return settings;
}

}  // namespace

const Settings& settings() noexcept {
  static const Settings read = read_environment();
  return read;
}

}  // namespace openssl_event::compat
