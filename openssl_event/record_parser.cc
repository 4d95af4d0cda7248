// openssl_parseRecords: the stream's bytes go by, and nothing is kept but the header that is being read.
#include <algorithm>
#include <cstring>

#include "openssl_event/openssl_records.h"
#include "openssl_event/record_header.h"

namespace openssl_event {
namespace {

bool take_header(OPENSSL_RECORD_PARSER& parser) noexcept {
  const unsigned char* header = parser.header;
  const std::size_t size = record_size(header);
  if (!looks_like_a_record(header) || size > OPENSSL_MAX_RECORD) {
    parser.error = OPENSSL_PARSE_NO_TLS;
    return false;
  }
  parser.type = header[0];
  parser.version = static_cast<unsigned>(header[1] << 8 | header[2]);
  parser.length = parser.left = static_cast<unsigned>(size - OPENSSL_RECORD_HEADER_SIZE);
  return true;
}

// The header stays complete until its record is; `left` tells what that lacks.
bool in_record(const OPENSSL_RECORD_PARSER& parser) noexcept { return parser.header_len == OPENSSL_RECORD_HEADER_SIZE; }

void note(OPENSSL_RECORD_PARSER& parser, int returned) noexcept {
  if (returned != 0) parser.error = OPENSSL_PARSE_STOPPED;
}

void end_record(OPENSSL_RECORD_PARSER& parser) noexcept {
  parser.header_len = 0;
  if (parser.callbacks->end) note(parser, parser.callbacks->end(&parser));
}

std::size_t parse_header(OPENSSL_RECORD_PARSER& parser, const char* data, std::size_t len) noexcept {
  const std::size_t taken = std::min<std::size_t>(len, OPENSSL_RECORD_HEADER_SIZE - parser.header_len);
  std::memcpy(parser.header + parser.header_len, data, taken);
  parser.header_len += static_cast<unsigned>(taken);
  if (!in_record(parser)) return taken;
  if (!take_header(parser)) {
    parser.header_len -= static_cast<unsigned>(taken);
    return 0;
  }
  if (parser.callbacks->record) note(parser, parser.callbacks->record(&parser));
  if (parser.left == 0) end_record(parser);
  return taken;
}

std::size_t parse_fragment(OPENSSL_RECORD_PARSER& parser, const char* data, std::size_t len) noexcept {
  const std::size_t taken = std::min<std::size_t>(len, parser.left);
  parser.left -= static_cast<unsigned>(taken);
  if (parser.callbacks->fragment) note(parser, parser.callbacks->fragment(&parser, data, taken));
  if (parser.left == 0) end_record(parser);
  return taken;
}

}  // namespace
}  // namespace openssl_event

using namespace openssl_event;

void openssl_initRecordParser(OPENSSL_RECORD_PARSER* parser, const OPENSSL_RECORD_CALLBACKS* callbacks, void* user) {
  *parser = {};
  parser->callbacks = callbacks;
  parser->user = user;
}

size_t openssl_parseRecords(OPENSSL_RECORD_PARSER* parser, const char* data, size_t len) {
  if (parser->error == OPENSSL_PARSE_NO_TLS) return 0;
  parser->error = OPENSSL_PARSE_OK;
  std::size_t taken = 0;
  while (taken < len && parser->error == OPENSSL_PARSE_OK) {
    const auto parse = in_record(*parser) ? parse_fragment : parse_header;
    const std::size_t more = parse(*parser, data + taken, len - taken);
    taken += more;
    parser->offset += more;
  }
  return taken;
}
