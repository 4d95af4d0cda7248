// The parser of records and hellos on any bytes: the same whatever the portions, and nothing outside of what it was
// given.
//
// Input: a byte that says how long a portion is, then the stream.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "openssl_event/openssl_records.h"
#include "tests/fuzz/check.h"

namespace {

// All that the callbacks are told.
struct Heard {
  std::string text;
  std::string handshake;  // of the first record that is one

  static Heard& of(OPENSSL_RECORD_PARSER* parser) { return *static_cast<Heard*>(parser->user); }
  static int record(OPENSSL_RECORD_PARSER* parser) {
    CHECK(parser->length <= OPENSSL_MAX_RECORD - OPENSSL_RECORD_HEADER_SIZE && parser->left == parser->length);
    of(parser).text += std::to_string(parser->type) + " " + std::to_string(parser->length) + ": ";
    return 0;
  }
  static int fragment(OPENSSL_RECORD_PARSER* parser, const char* data, std::size_t len) {
    of(parser).text.append(data, len);
    if (parser->type == 22) of(parser).handshake.append(data, len);
    return 0;
  }
  static int end(OPENSSL_RECORD_PARSER* parser) {
    CHECK(parser->left == 0);
    of(parser).text += "\n";
    return 0;
  }
};

constexpr OPENSSL_RECORD_CALLBACKS kCallbacks = {sizeof kCallbacks, Heard::record, Heard::fragment, Heard::end};

Heard parse(const std::string& stream, std::size_t portion) {
  Heard heard;
  OPENSSL_RECORD_PARSER parser;
  openssl_initRecordParser(&parser, &kCallbacks, &heard);
  for (std::size_t at = 0; at < stream.size(); at += portion) {
    const std::vector<char> part(stream.begin() + static_cast<std::ptrdiff_t>(at),
                                 stream.begin() + static_cast<std::ptrdiff_t>(std::min(at + portion, stream.size())));
    if (openssl_parseRecords(&parser, part.data(), part.size()) == part.size()) continue;
    CHECK(parser.error == OPENSSL_PARSE_NO_TLS);
    break;
  }
  return heard;
}

void check_inside(const std::vector<unsigned char>& message, const unsigned char* data, std::size_t size) {
  if (size) CHECK(data >= message.data() && data + size <= message.data() + message.size());
}

void parse_hellos(const std::string& handshake) {
  const std::vector<unsigned char> message(handshake.begin(), handshake.end());
  OPENSSL_EXTENSION extensions[8];
  OPENSSL_CLIENT_HELLO client;
  OPENSSL_SERVER_HELLO server;
  char name[256];
  if (openssl_parseClientHello(message.data(), message.size(), &client, extensions, std::size(extensions), name)) {
    CHECK(client.server_name == name && std::memchr(name, 0, sizeof name) &&
          client.extension_count <= std::size(extensions));
    check_inside(message, client.random, 32);
    check_inside(message, client.session_id, client.session_id_len);
    check_inside(message, client.cipher_suites, client.cipher_suites_len);
    check_inside(message, client.alpn, client.alpn_len);
    check_inside(message, client.versions, client.versions_len);
    for (std::size_t i = 0; i < client.extension_count; ++i)
      check_inside(message, extensions[i].data, extensions[i].len);
  }
  if (openssl_parseServerHello(message.data(), message.size(), &server))
    check_inside(message, server.alpn, server.alpn_len);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string stream(data + 1, data + size);
  const Heard whole = parse(stream, std::max<std::size_t>(stream.size(), 1));
  const Heard parts = parse(stream, 1u + data[0]);
  CHECK(whole.text == parts.text);
  parse_hellos(whole.handshake);
  parse_hellos(stream);
  return 0;
}
