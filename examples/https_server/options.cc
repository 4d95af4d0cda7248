#include "examples/https_server/options.h"

#include <charconv>
#include <cstdio>
#include <functional>
#include <string_view>
#include <vector>

#include "engine_workers/engine_workers.h"

namespace https {
namespace {

struct Flag {
  std::string_view name;
  const char* argument;  // what the help calls it; nullptr: takes none
  const char* help;
  std::function<bool(std::string_view)> set;  // false: not a value that it takes
  const char* takes = "";
};

std::function<bool(std::string_view)> number(int& out, int least, int most) {
  return [&out, least, most](std::string_view text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) return false;
    out = value;
    return true;
  };
}

std::function<bool(std::string_view)> text(std::string& out) {
  return [&out](std::string_view value) {
    out = value;
    return !out.empty();
  };
}

std::function<bool(std::string_view)> constant(auto& out, auto value) {
  return [&out, value](std::string_view) {
    out = value;
    return true;
  };
}

// "inline", "pool" or a pkcs11 URI: where calls are executed.
std::function<bool(std::string_view)> engine(Options& o) {
  return [&o](std::string_view value) {
    if (value == "inline") o.workers = 0;
    if (value.substr(0, 7) == "pkcs11:") o.token_key = value;
    return value == "inline" || value == "pool" || !o.token_key.empty();
  };
}

struct NamedOperations {
  std::string_view name;
  unsigned operations;
};
constexpr NamedOperations kOperations[] = {{"sign", OPENSSL_OPERATION_BIT(OPENSSL_OPERATION_SIGN)},
                                           {"decrypt", OPENSSL_OPERATION_BIT(OPENSSL_OPERATION_DECRYPT)},
                                           {"keygen", OPENSSL_OPERATION_BIT(OPENSSL_OPERATION_KEYGEN)},
                                           {"derive", OPENSSL_OPERATION_BIT(OPENSSL_OPERATION_DERIVE)},
                                           {"verify", OPENSSL_OPERATION_BIT(OPENSSL_OPERATION_VERIFY)},
                                           {"encapsulate", OPENSSL_OPERATION_BIT(OPENSSL_OPERATION_ENCAPSULATE)},
                                           {"decapsulate", OPENSSL_OPERATION_BIT(OPENSSL_OPERATION_DECAPSULATE)},
                                           {"all", OPENSSL_OPERATIONS_ALL},
                                           {"none", OPENSSL_OPERATIONS_NONE}};

bool add_operation(std::string_view name, unsigned& operations) {
  for (const NamedOperations& each : kOperations)
    if (each.name == name) {
      operations |= each.operations;
      return true;
    }
  return false;
}

std::function<bool(std::string_view)> operations(unsigned& out) {
  return [&out](std::string_view list) {
    out = OPENSSL_OPERATIONS_NONE;
    for (std::size_t comma; (comma = list.find(',')) != list.npos; list.remove_prefix(comma + 1))
      if (!add_operation(list.substr(0, comma), out)) return false;
    return add_operation(list, out);
  };
}

std::vector<Flag> flags_for(Options& o) {
  return {
      {"--port", "N", "listen on this port (8443); 0: any free one", number(o.port, 0, 65535), "a number from 0 to 65535"},
      {"--host", "H", "listen on this address (127.0.0.1); 0.0.0.0 or :: for all", text(o.host), "an address or a name"},
      {"--cert", "FILE", "certificate chain, PEM; without it a self-signed one is made in memory", text(o.certificate_file), "a file"},
      {"--key", "FILE", "private key of --cert, PEM", text(o.key_file), "a file"},
      {"--rsa-bits", "N", "size of the key made in memory (2048)", number(o.rsa_bits, 1024, 16384), "a number from 1024 to 16384"},
      {"--ec", nullptr, "make an EC key (P-256) instead", constant(o.rsa_bits, 0)},
      {"--cert-dir", "DIR", "certificates by server name: DIR/NAME.pem (chain, then key), DIR/_.DOMAIN.pem for all names below DOMAIN",
       text(o.certificate_directory), "a directory"},
      {"--refuse-unknown", nullptr, "with --cert-dir: unrecognized_name for a name without a certificate, instead of --cert",
       constant(o.refuse_unknown_names, true)},
      {"--session-cache", "STORE", "share sessions with other servers, encrypted: memcached:HOST:PORT", text(o.session_cache), "memcached:HOST:PORT"},
      {"--session-secret", "FILE", "what the key for stored sessions is made of (the private key)", text(o.session_secret), "a file"},
      {"--ticket-keys", "FILE", "share tickets with other servers: keys of 80 bytes, the first makes tickets; read again when it changes",
       text(o.ticket_keys), "a file"},
      {"--staple", nullptr, "staple OCSP responses; the issuer's certificate must be in the chain", constant(o.staple, true)},
      {"--ocsp-responder", "URL", "ask this one (that of the certificate)", text(o.ocsp_responder), "http://HOST:PORT/PATH"},
      {"--lookup-threads", "N", "threads that ask stores, files and responders (4)", number(o.lookup_threads, 1, 256), "a number from 1 to 256"},
      {"--engine", "E", "where calls are executed: inline (as --workers 0), pool, or pkcs11:URI, a key in a token (pool)", engine(o),
       "inline, pool or pkcs11:URI"},
      {"--offload", "LIST",
       "which operations are calls (sign,decrypt): sign,decrypt,keygen,derive,verify,encapsulate,decapsulate, all, or none",
       operations(o.operations), "a list of sign, decrypt, keygen, derive, verify, encapsulate, decapsulate; or all; or none"},
      {"--workers", "N", "threads that execute the private-key operations (one per processor); 0: in place, on the network thread",
       number(o.workers, 0, 1024), "a number from 0 to 1024"},
      {"--nice", "N", "how much nicer than the network thread, which has little to do at a time, the workers are (19)",
       number(o.nice, 0, 19), "a number from 0 to 19"},
      {"--in-place-below", "US",
       "execute in place what is known to take less than so many microseconds, as 100 (0: workers execute all)",
       number(o.in_place_below, 0, 1'000'000), "a number from 0 to 1000000"},
      {"--queue", "N", "calls that may wait for a worker (1024); what finds the queue full is executed in place",
       number(o.queue, 1, OPENSSL_WORKERS_MAX_QUEUE), "a number from 1 to 65534"},
      {"--handshake-timeout", "S", "seconds that a handshake may take (10)", number(o.handshake_timeout, 1, 86400), "seconds, at least 1"},
      {"--idle-timeout", "S", "seconds that a connection may be silent, and that a request's head may take (60)", number(o.idle_timeout, 1, 86400), "seconds, at least 1"},
      {"--grace", "S", "seconds that SIGTERM leaves for what is in flight (5)", number(o.grace, 0, 86400), "seconds"},
      {"--send-buffer", "N", "bytes that the kernel buffers for sending on each connection (its own choice)",
       number(o.send_buffer, 1, 1 << 30), "a number of bytes"},
      {"--allow-quit", nullptr, "GET /quit ends the server", constant(o.allow_quit, true)},
      {"--no-record-path", nullptr, "leave application data to libssl", constant(o.record_path, false)},
      {"--always-record-path", nullptr, "do not leave it to libssl while clients ask for too little to make up for the keys",
       constant(o.always_record_path, true)},
      {"--trace", nullptr, "print every event, with the thread that executed each call", constant(o.trace, true)},
  };
}

void print_help(const std::string& program, const std::vector<Flag>& flags) {
  std::printf("usage: %s [flags]\n", program.c_str());
  for (const Flag& flag : flags) {
    const std::string left = std::string(flag.name) + (flag.argument ? " " + std::string(flag.argument) : "");
    std::printf("  %-22s %s\n", left.c_str(), flag.help);
  }
  std::printf("  %-22s %s\n", "--help", "print this");
  std::printf("\nIt serves / (what was negotiated), /bytes/N (N bytes) and /metrics (for Prometheus).\n");
}

Parsed wrong(const Options& options, const std::string& message) {
  std::fprintf(stderr, "%s: %s\n", options.program.c_str(), message.c_str());
  return Parsed::wrong;
}

Parsed check(const Options& options) {
  if (!options.session_cache.empty() && !options.ticket_keys.empty())
    return wrong(options, "--session-cache and --ticket-keys exclude each other: sessions are in the store, or in tickets");
  if (!options.token_key.empty()) {
    if (options.certificate_file.empty() || !options.key_file.empty())
      return wrong(options, "--engine pkcs11: needs --cert, and no --key: the key is in the token");
    if (!options.session_cache.empty() && options.session_secret.empty())
      return wrong(options, "--session-cache needs --session-secret: the key that it would be made of is in the token");
    return Parsed::ok;
  }
  if (options.certificate_file.empty() == options.key_file.empty()) return Parsed::ok;
  return wrong(options, "--cert and --key go together: give both, or neither for a self-signed certificate made in memory");
}

}  // namespace

Parsed parse_options(int argc, char** argv, Options& options) {
  const std::vector<Flag> flags = flags_for(options);
  for (int i = 1; i < argc; ++i) {
    const std::string_view given = argv[i];
    if (given == "--help" || given == "-h") {
      print_help(options.program, flags);
      return Parsed::help;
    }
    const std::size_t equals = given.find('=');  // --port=8443 is --port 8443
    const std::string name(given.substr(0, equals));
    const Flag* flag = nullptr;
    for (const Flag& candidate : flags)
      if (candidate.name == name) flag = &candidate;
    if (!flag) return wrong(options, "unknown flag '" + name + "'; " + options.program + " --help lists all");
    if (!flag->argument) {
      if (equals != given.npos) return wrong(options, name + " takes no value");
      flag->set("");
      continue;
    }
    if (equals == given.npos && i + 1 == argc) return wrong(options, name + " needs " + flag->takes);
    const std::string value(equals == given.npos ? std::string_view(argv[++i]) : given.substr(equals + 1));
    if (!flag->set(value)) return wrong(options, "'" + value + "' is no value for " + name + ": give " + flag->takes);
  }
  return check(options);
}

}  // namespace https
