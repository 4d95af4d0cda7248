// The content of a request, which this server has no use for and skips, so that the next request is found (RFC 9112 6).
#ifndef EXAMPLES_HTTPS_SERVER_BODY_H
#define EXAMPLES_HTTPS_SERVER_BODY_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace https {

class Body {
 public:
  void expect_length(std::uint64_t length);
  void expect_chunks();  // RFC 9112 7.1

  bool expected() const { return next_ != Part::nothing; }

  // Takes bytes of it, up to its end; *taken tells how many. False: they are no chunks.
  bool skip(const char* data, std::size_t len, std::size_t* taken);

 private:
  enum class Part { nothing, bytes, chunk_size, chunk, chunk_end, trailer };
  static constexpr std::size_t kMostLines = 4096;  // bytes of a line, and of all trailers

  void skip_bytes(std::size_t len, std::size_t* taken);
  bool skip_line(const char* data, std::size_t len, std::size_t* taken);
  bool use_line(std::string_view line);
  bool use_size(std::string_view line);

  Part next_ = Part::nothing;
  std::uint64_t left_ = 0;     // of the bytes, or of the chunk
  std::string line_;           // what has come of it
  std::size_t trailers_ = 0;   // their bytes
};

}  // namespace https

#endif
