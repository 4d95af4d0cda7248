// Any bytes, in any portions, by both ways in, must come out as the same RECORD_INs, with none lost, none changed
// later.
//
// Input: a byte n, whose highest bit makes it a client's, n % 16 bytes that say how to cut, then what comes from the
// network, in which kZeros and a byte m stand for 80 * m bytes of 0, so that long records come of short inputs.
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "openssl_event/openssl_event.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/input.h"

namespace openssl_event::fuzz {
namespace {

// Longer than any unit, and no record: whatever was incomplete before it comes out.
constexpr std::size_t kPushOut = OPENSSL_MAX_RECORD + OPENSSL_RECORD_HEADER_SIZE;

constexpr char kZeros = '\xfd';
constexpr std::size_t kMostBytes = 40000;
constexpr int kMostPortions = 400;  // each may cost a buffer of its own

struct Expected {
  std::vector<std::string_view> units;
  std::string_view tail;  // no TLS: comes out as it goes in, in any portions
};

// The header's words on openssl_buildFrame, once more, over all bytes at once.
Expected expect(std::string_view bytes, bool server) {
  Expected expected;
  for (;;) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    int size = 0;
    if (at(0) >= 20 && at(0) <= 24 && at(1) == 3)
      size = OPENSSL_RECORD_HEADER_SIZE + (at(3) << 8 | at(4));
    else if (OPENSSL_VERSION_MAJOR < 4 && server && expected.units.empty() && (at(0) & 0x80) && at(2) == 1)
      size = std::max(2 + ((at(0) & 0x7f) << 8 | at(1)), OPENSSL_RECORD_HEADER_SIZE);
    if (size == 0 || size > OPENSSL_MAX_RECORD) {
      expected.tail = bytes;
      return expected;
    }
    const auto length = static_cast<std::size_t>(size);
    expected.units.push_back(bytes.substr(0, length));
    bytes.remove_prefix(length);
  }
}

constexpr std::string_view kWhole;
constexpr std::string_view kSingleBytes("\0", 1);

class Portions {
 public:
  explicit Portions(std::string_view pattern) : pattern_(pattern) {}
  std::size_t next() {
    if (pattern_.empty() || next_ == kMostPortions) return static_cast<std::size_t>(-1);
    const auto code = static_cast<unsigned char>(pattern_[next_++ % pattern_.size()]);
    return code < 128 ? code + 1u : (code - 127u) * 150u;
  }

 private:
  std::string_view pattern_;
  std::size_t next_ = 0;
};

enum class Way { copying, in_place, both };

// Feeds a framer and collects what comes out of it.
class Run {
 public:
  Run(bool server, Way way) : way_(way) {
    static SSL_CTX* const ctx = SSL_CTX_new(TLS_method());
    SSL* ssl = SSL_new(ctx);
    server ? SSL_set_accept_state(ssl) : SSL_set_connect_state(ssl);
    tls_ = openssl_new(ssl);
    CHECK(tls_);
    SSL_free(ssl);
  }
  ~Run() {
    while (!held_.empty()) release_oldest();
    openssl_free(tls_);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void feed(std::string_view bytes, Portions portions) {
    while (!bytes.empty()) {
      const std::string_view portion = bytes.substr(0, portions.next());
      bytes.remove_prefix(portion.size());
      copies_ = way_ == Way::copying || (way_ == Way::both && !copies_);
      copies_ ? copy(portion) : fill(portion);
    }
  }

  void compare(const Expected& expected) const {
    CHECK(units_.size() >= expected.units.size());
    std::string tail;
    for (std::size_t i = 0; i < units_.size(); ++i) {
      if (i < expected.units.size())
        CHECK(units_[i] == expected.units[i]);
      else
        tail += units_[i];
    }
    CHECK(tail == expected.tail);
  }

 private:
  void copy(std::string_view portion) {
    const auto exact = std::make_unique<char[]>(portion.size());  // so that a read beyond it shows
    std::memcpy(exact.get(), portion.data(), portion.size());
    std::size_t offset = 0;
    for (;;) {
      std::size_t taken = 0;
      OPENSSL_EVENT* e = openssl_buildFrame(tls_, exact.get() + offset, portion.size() - offset, &taken);
      offset += taken;
      CHECK(offset <= portion.size());
      if (!e) break;
      keep(e);
    }
    CHECK(offset == portion.size());
  }

  void fill(std::string_view portion) {
    while (!portion.empty()) {
      std::size_t room = 0;
      char* space = openssl_inputSpace(tls_, &room);
      CHECK(space && room > 0);
      const std::size_t size = std::min(room, portion.size());
      std::memcpy(space, portion.data(), size);
      CHECK(!openssl_inputFilled(tls_, room + 1));
      CHECK(openssl_inputFilled(tls_, size));
      portion.remove_prefix(size);
      while (OPENSSL_EVENT* e = openssl_nextFrame(tls_)) keep(e);
    }
  }

  // Some are held for a while, as by a machine that is busy: bytes that arrive meanwhile must not touch them.
  void keep(OPENSSL_EVENT* e) {
    CHECK(e->kind == OPENSSL_RECORD_IN_KIND && e->r.len > 0);
    units_.emplace_back(e->r.buf, static_cast<std::size_t>(e->r.len));
    held_.push_back({e, units_.size() - 1});
    if (held_.size() > 8) release_oldest();
  }

  void release_oldest() {
    const auto [e, index] = held_.front();
    held_.pop_front();
    CHECK(std::string_view(e->r.buf, static_cast<std::size_t>(e->r.len)) == units_[index]);
    std::memset(e->r.buf, 0xee, static_cast<std::size_t>(e->r.len));  // it is ours alone
    CHECK(openssl_freeEvent(e));
  }

  struct Held {
    OPENSSL_EVENT* event;
    std::size_t index;
  };

  openssl_t* tls_;
  Way way_;
  bool copies_ = false;
  std::vector<std::string> units_;
  std::deque<Held> held_;
};

std::string expand(Input input) {
  std::string bytes;
  while (!input.empty() && bytes.size() < kMostBytes) {
    const std::string_view byte = input.take(1);
    byte[0] == kZeros ? bytes.append(80 * input.number8(), '\0') : bytes.append(byte);
  }
  return bytes;
}

void check_all(std::string_view bytes, std::string_view pattern, bool server) {
  static const std::string push_out(kPushOut, '\0');
  const std::string all = std::string(bytes) + push_out;
  const Expected expected = expect(all, server);
  for (const Way way : {Way::copying, Way::in_place, Way::both}) {
    for (const std::string_view cut : {pattern, kWhole, kSingleBytes}) {
      Run run(server, way);
      run.feed(bytes, Portions(cut));
      run.feed(push_out, Portions({}));
      run.compare(expected);
    }
  }
}

}  // namespace
}  // namespace openssl_event::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  openssl_event::fuzz::Input input(data, size);
  const unsigned first = input.number8();
  const std::string_view pattern = input.take(first % 16);
  openssl_event::fuzz::check_all(openssl_event::fuzz::expand(input), pattern, first < 0x80);
  return 0;
}
