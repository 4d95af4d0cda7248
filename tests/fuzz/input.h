// The fuzzer's bytes, read from the front. At their end every number is 0.
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace openssl_event::fuzz {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return rest_.empty(); }
  unsigned number8() { return take(1).empty() ? 0 : static_cast<unsigned char>(taken_[0]); }
  unsigned number16() {
    const unsigned high = number8();
    return high << 8 | number8();
  }
  // At most `size`: fewer at the end.
  std::string_view take(std::size_t size) {
    taken_ = rest_.substr(0, size);
    rest_.remove_prefix(taken_.size());
    return taken_;
  }
  std::string_view rest() { return take(rest_.size()); }

 private:
  std::string_view rest_;
  std::string_view taken_;
};

}  // namespace openssl_event::fuzz

#endif
