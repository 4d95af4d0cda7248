#include "tests/compat/differential/side.h"

#include <openssl/err.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "tests/compat/differential/random.h"

namespace openssl_event::testing {
namespace {

constexpr int kUntouched = 77;  // errno before each call

thread_local std::string* sink = nullptr;

// All entries, oldest first, and none are left.
std::string take_errors() {
  std::string text;
  const char *file, *function, *data;
  int line, flags;
  while (const unsigned long code = ERR_get_error_all(&file, &line, &function, &data, &flags))
    text += ' ' + std::to_string(ERR_GET_LIB(code)) + ':' + std::to_string(ERR_GET_REASON(code)) + ':' + function + ':' +
            std::to_string(line) + '(' + (flags & ERR_TXT_STRING ? data : "") + ')';
  return text.empty() ? " -" : text;
}

int retry_flags(BIO* bio) { return bio ? BIO_get_retry_flags(bio) : -1; }

}  // namespace

Side::Side(const char* name, SSL* ssl, std::unique_ptr<Transport> transport)
    : name_(name), ssl_(ssl), transport_(std::move(transport)) {
  if (transport_) transport_->attach(ssl_);
}

Side::~Side() { SSL_free(ssl_); }

void Side::say(const std::string& line) {
  if (sink)
    *sink += line + '\n';
  else
    std::printf("%s\n", line.c_str());
}

void Side::say_to(std::string* text) { sink = text; }

long Side::call(const std::string& what, const std::function<long()>& function) {
  next_random();
  const int fd = transport_ ? transport_->descriptor() : -1;
  for (;;) {
    errno = kUntouched;
    const long value = function();
    const int saved_errno = errno;
    error_ = SSL_get_error(ssl_, static_cast<int>(value));
    if (fd < 0 || value > 0 || error_ != SSL_ERROR_WANT_WRITE || !SSL_in_init(ssl_)) {
      write_down(what, value, saved_errno);
      return value;
    }
    if (SSL_want(ssl_) != SSL_WRITING || saved_errno != EAGAIN || ERR_peek_error()) say("a WANT_WRITE that is not like one");
    pollfd waits = {fd, POLLOUT, 0};
    poll(&waits, 1, 5000);
  }
}

void Side::write_down(const std::string& what, long value, int saved_errno) {
  const int want = SSL_want(ssl_);
  char state[300];
  std::snprintf(state, sizeof state,
                " = %ld error %d want %d errno %d state %s %s pending %d %d shutdown %d init %d before %d retry %d %d unread %ld queue",
                value, error_, want, saved_errno, SSL_state_string(ssl_), SSL_rstate_string(ssl_), SSL_pending(ssl_),
                SSL_has_pending(ssl_), SSL_get_shutdown(ssl_), SSL_in_init(ssl_), SSL_in_before(ssl_),
                retry_flags(SSL_get_rbio(ssl_)), retry_flags(SSL_get_wbio(ssl_)), transport_ ? transport_->unread() : -1);
  say(name_ + ' ' + what + state + take_errors());
}

int Side::handshake(const std::string& function) {
  if (function.find("read") != function.npos || function.find("peek") != function.npos) return read(function, 100);
  if (function.find("write") != function.npos) return write(function, "hello");
  return static_cast<int>(call(function, [&]() -> long {
    if (function == "SSL_accept") return SSL_accept(ssl_);
    if (function == "SSL_connect") return SSL_connect(ssl_);
    return SSL_do_handshake(ssl_);
  }));
}

int Side::read(const std::string& function, std::size_t size) {
  std::string to(std::max<std::size_t>(size, 1), '\0');
  std::size_t got = 0;
  const long value = call(function + "(" + std::to_string(size) + ")", [&]() -> long {
    const int length = static_cast<int>(size);
    if (function == "SSL_read_ex") return SSL_read_ex(ssl_, to.data(), size, &got);
    if (function == "SSL_peek_ex") return SSL_peek_ex(ssl_, to.data(), size, &got);
    const int read = function == "SSL_peek" ? SSL_peek(ssl_, to.data(), length) : SSL_read(ssl_, to.data(), length);
    got = read > 0 ? static_cast<std::size_t>(read) : 0;
    return read;
  });
  say("  bytes " + std::to_string(got) + " sum " + std::to_string(std::hash<std::string>()(to.substr(0, got))));
  if (value > 0 && function.find("read") != function.npos) received += to.substr(0, got);
  return static_cast<int>(value);
}

// Of the same data at the same place each time, as a retry must be.
int Side::write(const std::string& function, const std::string& text) {
  const std::string& data = *written_.insert(text).first;
  std::size_t written = 0;
  const long value = call(function + "(" + std::to_string(data.size()) + ")", [&]() -> long {
    if (function == "SSL_write_ex") return SSL_write_ex(ssl_, data.data(), data.size(), &written);
    return SSL_write(ssl_, data.data(), static_cast<int>(data.size()));
  });
  if (function == "SSL_write_ex") say("  written " + std::to_string(written));
  return static_cast<int>(value);
}

int Side::shutdown() {
  return static_cast<int>(call("SSL_shutdown", [&]() -> long { return SSL_shutdown(ssl_); }));
}

bool Side::deliver(std::size_t most) {
  if (inbox.empty()) return false;
  const std::size_t count = most ? std::min(most, inbox.size()) : inbox.size();
  transport_->give(std::string_view(inbox).substr(0, count));
  inbox.erase(0, count);
  return true;
}

void exchange(Side& one, Side& other) {
  const std::string from_one = one.transport().take(), from_other = other.transport().take();
  if (!from_one.empty() || !from_other.empty())
    Side::say("  wires " + std::to_string(from_one.size()) + " " + std::to_string(from_other.size()));
  other.inbox += from_one;
  one.inbox += from_other;
}

}  // namespace openssl_event::testing
