// Prints the TLS records of a stream that was captured, or of a connection that it relays, and what the hellos say: the
// parser of openssl_records.h, on its own.
//
//     tls_records FILE                        the bytes of one direction, as from: tcpflow; "-" is the standard input
//     tls_records --relay PORT HOST PORT      waits on 127.0.0.1:PORT for one connection, and relays it to HOST:PORT
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <string>

#include "examples/network.h"
#include "openssl_event/openssl_records.h"

namespace {

const char* type_name(unsigned type) {
  switch (type) {
    case 20:
      return "change_cipher_spec";
    case 21:
      return "alert";
    case 22:
      return "handshake";
    case 23:
      return "application_data";
    default:
      return "heartbeat";
  }
}

std::string version_name(unsigned version) {
  switch (version) {
    case 0x0300:
      return "SSL 3.0";
    case 0x0301:
      return "TLS 1.0";
    case 0x0302:
      return "TLS 1.1";
    case 0x0303:
      return "TLS 1.2";
    case 0x0304:
      return "TLS 1.3";
  }
  char text[16];
  std::snprintf(text, sizeof text, "0x%04x", version);
  return text;
}

// GREASE (RFC 8701) is there to be ignored.
bool is_grease(unsigned version) { return (version & 0x0f0f) == 0x0a0a; }

std::string list_of_versions(const OPENSSL_CLIENT_HELLO& hello) {
  if (hello.versions_len < 2) return "up to " + version_name(hello.legacy_version);
  std::string list;
  for (std::size_t i = 0; i + 1 < hello.versions_len; i += 2) {
    const unsigned version = static_cast<unsigned>(hello.versions[i] << 8 | hello.versions[i + 1]);
    if (!is_grease(version)) list += (list.empty() ? "" : ", ") + version_name(version);
  }
  return list;
}

// From the network: what is not printable becomes a dot.
std::string printable(const char* text, std::size_t size) {
  std::string copy(text, size);
  for (char& c : copy)
    if (c < ' ' || c > '~') c = '.';
  return copy;
}

std::string list_of_protocols(const unsigned char* list, std::size_t size) {
  std::string text;
  for (std::size_t at = 0; at < size && at + 1 + list[at] <= size; at += 1u + list[at])
    text += (text.empty() ? "" : ", ") + printable(reinterpret_cast<const char*>(list) + at + 1, list[at]);
  return text.empty() ? "none" : text;
}

// One direction of a connection.
class Direction {
 public:
  explicit Direction(const char* name) : name_(name) { openssl_initRecordParser(&parser_, &kCallbacks, this); }

  // False: these bytes are no TLS.
  bool take(const char* data, std::size_t size) {
    if (openssl_parseRecords(&parser_, data, size) == size) return true;
    std::printf("%s at byte %llu: no TLS record\n", name_, parser_.offset - parser_.header_len);
    return false;
  }
  void end() const {
    if (parser_.header_len) std::printf("%s ends %u bytes before the end of a record\n", name_, parser_.left);
  }

 private:
  static Direction& of(OPENSSL_RECORD_PARSER* parser) { return *static_cast<Direction*>(parser->user); }
  static int begin_record(OPENSSL_RECORD_PARSER* parser) {
    std::printf("%s %s, %u bytes, %s\n", of(parser).name_, type_name(parser->type), parser->length,
                version_name(parser->version).c_str());
    return 0;
  }
  static int take_fragment(OPENSSL_RECORD_PARSER* parser, const char* data, std::size_t size) {
    if (parser->type == 22) of(parser).collect(data, size);
    return 0;
  }
  static constexpr OPENSSL_RECORD_CALLBACKS kCallbacks = {sizeof(OPENSSL_RECORD_CALLBACKS), begin_record, take_fragment,
                                                          nullptr};

  // The first handshake message, which may be spread over records: what follows may be encrypted.
  void collect(const char* data, std::size_t size) {
    if (hello_seen_) return;
    const std::size_t taken = std::min(size, sizeof hello_ - hello_size_);
    std::memcpy(hello_ + hello_size_, data, taken);
    hello_size_ += taken;
    if (hello_size_ < 4) return;
    const std::size_t message = 4 + static_cast<std::size_t>(hello_[1] << 16 | hello_[2] << 8 | hello_[3]);
    if (hello_size_ < message && taken == size) return;
    hello_seen_ = true;
    print_hello(std::min(message, hello_size_));
  }
  void print_hello(std::size_t size) const {
    OPENSSL_CLIENT_HELLO client;
    OPENSSL_SERVER_HELLO server;
    OPENSSL_EXTENSION extensions[64];
    char name[256];
    if (openssl_parseClientHello(hello_, size, &client, extensions, std::size(extensions), name))
      std::printf("%s   ClientHello for \"%s\", ALPN %s, versions %s, %zu cipher suites, %zu extensions\n", name_,
                  printable(name, std::strlen(name)).c_str(), list_of_protocols(client.alpn, client.alpn_len).c_str(),
                  list_of_versions(client).c_str(), client.cipher_suites_len / 2, client.extension_count);
    else if (openssl_parseServerHello(hello_, size, &server))
      std::printf("%s   %s %s, cipher suite 0x%04x, ALPN %s\n", name_,
                  server.retry ? "HelloRetryRequest" : "ServerHello", version_name(server.version).c_str(),
                  server.cipher_suite,
                  server.alpn ? printable(reinterpret_cast<const char*>(server.alpn), server.alpn_len).c_str()
                              : "none in the clear");
  }

  const char* const name_;
  OPENSSL_RECORD_PARSER parser_;
  unsigned char hello_[16384];
  std::size_t hello_size_ = 0;
  bool hello_seen_ = false;
};

int print_file(const char* file) {
  std::FILE* stream = std::strcmp(file, "-") == 0 ? stdin : std::fopen(file, "rb");
  if (!stream) {
    std::perror(file);
    return 1;
  }
  Direction direction(">");
  char buf[65536];
  std::size_t size;
  bool good = true;
  while (good && (size = std::fread(buf, 1, sizeof buf, stream)) > 0) good = direction.take(buf, size);
  direction.end();
  std::fclose(stream);
  return good ? 0 : 1;
}

int wait_for_client(const char* port) {
  const int number = parse_port(port);
  if (number < 0) {
    std::fprintf(stderr, "tls_records: '%s' is no port: give a number from 0 (any free one) to 65535\n", port);
    return -1;
  }
  const int listener = listen_on_loopback("tls_records", number, 0);
  if (listener < 0) return -1;
  const int client = accept(listener, nullptr, nullptr);
  if (client < 0) std::perror("tls_records: waiting for a client");
  close(listener);
  return client;
}

bool send_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t n = write(fd, data, size);
    if (n <= 0) return false;
    data += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

// Everything goes on, TLS or not. False: this direction has ended.
bool pass_on(int from, int to, Direction& direction, bool& is_tls) {
  char buf[65536];
  const ssize_t n = read(from, buf, sizeof buf);
  if (n > 0 && is_tls) is_tls = direction.take(buf, static_cast<std::size_t>(n));
  if (n > 0 && send_all(to, buf, static_cast<std::size_t>(n))) return true;
  direction.end();
  shutdown(to, SHUT_WR);
  return false;
}

int relay(const char* own_port, const char* host, const char* port) {
  std::signal(SIGPIPE, SIG_IGN);
  const int client = wait_for_client(own_port);
  if (client < 0) return 1;
  const int server = connect_to_host("tls_records", host, port);
  if (server < 0) {
    close(client);
    return 1;
  }
  Direction to_server("client >"), to_client("server <");
  bool up = true, down = true, up_is_tls = true, down_is_tls = true;
  while (up || down) {
    pollfd ends[] = {{up ? client : -1, POLLIN, 0}, {down ? server : -1, POLLIN, 0}};
    if (poll(ends, 2, -1) < 0) break;
    if (ends[0].revents) up = pass_on(client, server, to_server, up_is_tls);
    if (ends[1].revents) down = pass_on(server, client, to_client, down_is_tls);
    std::fflush(stdout);
  }
  close(client);
  close(server);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && argv[1][0] != '\0' && std::strncmp(argv[1], "--", 2) != 0) return print_file(argv[1]);
  if (argc == 5 && std::strcmp(argv[1], "--relay") == 0) return relay(argv[2], argv[3], argv[4]);
  const bool help = argc == 2 && std::strcmp(argv[1], "--help") == 0;
  std::fprintf(help ? stdout : stderr,
               "usage: tls_records FILE                     \"-\": the standard input\n"
               "       tls_records --relay PORT HOST PORT   from 127.0.0.1:PORT to the other\n"
               "It prints the TLS records of a captured stream, or of the connection that it relays, and what the hellos say.\n");
  return help ? 0 : 2;
}
