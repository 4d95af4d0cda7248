// Hostile or broken bytes end a machine exactly as they end plain libssl: same error, same alert, same records out.
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

using namespace std::string_literals;

struct Outcome {
  bool failed;
  bool closed_in;
  int library;
  int reason;
  std::string alerts;  // as the info callback tells them
  std::string output;  // bytes, or, when keys are in use, the types and lengths of the records
  std::string received;

  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& o) {
  return out << (o.failed ? "failed " : "") << (o.closed_in ? "closed " : "") << o.library << ':' << o.reason
             << " alerts '" << o.alerts << "' output " << ::testing::PrintToString(o.output) << " received "
             << o.received.size();
}

int alerts_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

void note_alert(const SSL* ssl, int where, int value) {
  auto* alerts = static_cast<std::string*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), alerts_index()));
  if (where & SSL_CB_ALERT) *alerts += (where & SSL_CB_WRITE ? "sent " : "received ") + std::to_string(value) + ' ';
}

// Types and lengths: what is under a key differs from run to run.
std::string shape(std::string_view records) {
  std::string text;
  while (records.size() >= 5) {
    const std::size_t size = static_cast<unsigned char>(records[3]) * 256u + static_cast<unsigned char>(records[4]);
    text += std::to_string(static_cast<unsigned char>(records[0])) + ':' + std::to_string(size) + ' ';
    records.remove_prefix(std::min(records.size(), 5 + size));
  }
  return text;
}

std::string record(int type, std::string_view body, int minor = 3) {
  const auto size = static_cast<unsigned>(body.size());
  return std::string{static_cast<char>(type), 3, static_cast<char>(minor), static_cast<char>(size >> 8),
                     static_cast<char>(size)}
      .append(body);
}

class Differential {
 public:
  explicit Differential(int version) : pair_(version, KeyType::kEd25519) {
    for (SSL_CTX* context : {pair_.client_context.get(), pair_.server_context.get()}) {
      SSL_CTX_set_ex_data(context, alerts_index(),
                          context == pair_.server_context.get() ? &server_alerts_ : &client_alerts_);
      SSL_CTX_set_info_callback(context, note_alert);
    }
  }

  // What becomes of a fresh end that is fed `bytes`, with the end of the transport behind them or not.
  void fresh(Role role, const std::string& bytes, bool then_end) {
    const Outcome expected = run_fresh<PlainEnd>(role, bytes, then_end, SIZE_MAX);
    for (const std::size_t chunk : {SIZE_MAX, std::size_t{1}, std::size_t{7}})
      EXPECT_EQ(run_fresh<MachineEnd>(role, bytes, then_end, chunk), expected)
          << (role == Role::kServer ? "server" : "client") << ", chunks of " << chunk;
    last = expected;
  }

  // What becomes of an end after a handshake. `spoil` gets the bytes of a record of the other end's, and may change
  // them.
  using Spoil = std::function<std::string(std::string)>;
  void established(Role role, const Spoil& spoil, bool then_end) {
    const Outcome expected = run_established<PlainEnd>(role, spoil, then_end, SIZE_MAX);
    for (const std::size_t chunk : {SIZE_MAX, std::size_t{1}})
      EXPECT_EQ(run_established<MachineEnd>(role, spoil, then_end, chunk), expected)
          << (role == Role::kServer ? "server" : "client") << ", chunks of " << chunk;
    last = expected;
  }

  // The other end's flight of a handshake, the one with its certificate or, to a server, its Finished, spoiled.
  void handshake(Role role, const Spoil& spoil, bool then_end) {
    const Outcome expected = run_handshake<PlainEnd>(role, spoil, then_end, SIZE_MAX);
    EXPECT_EQ(run_handshake<MachineEnd>(role, spoil, then_end, SIZE_MAX), expected);
    last = expected;
  }

  Outcome last{};

 private:
  template <typename T>
  std::unique_ptr<T> make(Role role) {
    return std::make_unique<T>(role == Role::kServer ? pair_.server_ssl() : pair_.client_ssl());
  }

  Outcome outcome(End& end, Role role, bool then_end, bool encrypted) {
    if (then_end) end.end_input();
    end.work();
    const std::string output = end.take_output();
    const unsigned long code = end.error();
    std::string alerts = role == Role::kServer ? server_alerts_ : client_alerts_;
    client_alerts_.clear();
    server_alerts_.clear();
    return {end.failed(),         end.closed_in(),   ERR_GET_LIB(code),
            ERR_GET_REASON(code), std::move(alerts), encrypted ? shape(output) : output,
            end.received()};
  }

  template <typename T>
  Outcome run_fresh(Role role, const std::string& bytes, bool then_end, std::size_t chunk) {
    auto end = make<T>(role);
    end->work();
    end->take_output();
    deliver(*end, bytes, chunk);
    return outcome(*end, role, then_end, false);
  }

  template <typename T>
  Outcome run_established(Role role, const Spoil& spoil, bool then_end, std::size_t chunk) {
    auto end = make<T>(role);
    auto other = make<PlainEnd>(role == Role::kServer ? Role::kClient : Role::kServer);
    carry(*end, *other);
    other->send("attack at dawn");
    other->work();
    deliver(*end, spoil(other->take_output()), chunk);
    return outcome(*end, role, then_end, true);
  }

  template <typename T>
  Outcome run_handshake(Role role, const Spoil& spoil, bool then_end, std::size_t chunk) {
    auto end = make<T>(role);
    auto other = make<PlainEnd>(role == Role::kServer ? Role::kClient : Role::kServer);
    if (role == Role::kClient) {
      end->work();
      deliver(*other, end->take_output());
    } else {
      other->work();
      deliver(*end, other->take_output());
      deliver(*other, end->take_output());
    }
    deliver(*end, spoil(other->take_output()), chunk);
    return outcome(*end, role, then_end, true);
  }

  std::string client_alerts_, server_alerts_;
  Pair pair_;
};

const std::string kBadRecordMac = "sent " + std::to_string(SSL3_AL_FATAL << 8 | SSL_AD_BAD_RECORD_MAC) + ' ';

class BadInput : public BothVersions {
 protected:
  std::string client_hello() {
    Pair pair(GetParam());
    auto client = pair.plain_client();
    client->work();
    return client->take_output();
  }
  void fresh_both_roles(const std::string& bytes) {
    for (const Role role : {Role::kClient, Role::kServer})
      for (const bool then_end : {false, true}) differential.fresh(role, bytes, then_end);
  }
  void established_both_roles(const Differential::Spoil& spoil) {
    for (const Role role : {Role::kClient, Role::kServer})
      for (const bool then_end : {false, true}) differential.established(role, spoil, then_end);
  }
  void expect(int reason) { EXPECT_EQ(differential.last.reason, reason); }

  Differential differential{GetParam()};
};

TEST_P(BadInput, NothingAtAll) {
  fresh_both_roles("");
  expect(SSL_R_UNEXPECTED_EOF_WHILE_READING);
}

TEST_P(BadInput, Garbage) {
  fresh_both_roles("\x8b\x1f\xff\x17 this is no TLS, and long enough to tell");
  fresh_both_roles(std::string(100, '\0'));
  fresh_both_roles(std::string(5000, '\xff'));
  fresh_both_roles("\x16");
  fresh_both_roles("abc");
}

TEST_P(BadInput, PlainHttp) {
  differential.fresh(Role::kServer, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", false);
  expect(SSL_R_HTTP_REQUEST);
  differential.fresh(Role::kServer, "CONNECT localhost:443 HTTP/1.1\r\n\r\n", false);
  expect(SSL_R_HTTPS_PROXY_REQUEST);
  differential.fresh(Role::kClient, "HTTP/1.1 400 Bad Request\r\n\r\n", false);
}

// RFC 5246 E.2: version 3.3, one cipher suite (TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256), no session, a challenge of 16
// bytes.
TEST_P(BadInput, SslV2FormatHello) {
  const std::string hello = "\x80\x1c\x01\x03\x03\x00\x03\x00\x00\x00\x10\x00\xc0\x2f"s + std::string(16, 'c');
  fresh_both_roles(hello);
  fresh_both_roles(hello + client_hello());
  fresh_both_roles(hello.substr(0, 20));
  fresh_both_roles("\x80\x02\x01\x00"s);
  fresh_both_roles("\xff\xff\x01\x03\x03"s + std::string(500, 'x'));
}

// The record layer of OpenSSL 3.2 looks at the limit of the version (RFC 8446 5.2) before its buffer's.
constexpr int kOverLong = OPENSSL_VERSION_PREREQ(3, 2) ? SSL_R_ENCRYPTED_LENGTH_TOO_LONG : SSL_R_PACKET_LENGTH_TOO_LONG;

TEST_P(BadInput, OverLongRecord) {
  fresh_both_roles(record(22, std::string(17000, 'x')));
  fresh_both_roles(record(22, std::string(0xffff, 'x')).substr(0, 2000));
  established_both_roles([](const std::string&) { return record(23, std::string(20000, 'x')).substr(0, 2000); });
  expect(kOverLong);
}

TEST_P(BadInput, WrongVersion) {
  std::string hello = client_hello();
  hello[1] = 5;
  fresh_both_roles(hello);
  expect(SSL_R_WRONG_VERSION_NUMBER);
  established_both_roles([](std::string bytes) { return bytes[2] = 9, bytes; });
}

// A ClientHello of a version that the server does not speak.
TEST_P(BadInput, UnsupportedVersion) {
  Pair other(tls13() ? TLS1_2_VERSION : TLS1_3_VERSION);
  auto client = other.plain_client();
  client->work();
  differential.fresh(Role::kServer, client->take_output(), false);
  expect(SSL_R_UNSUPPORTED_PROTOCOL);
}

TEST_P(BadInput, ZeroLengthRecords) {
  std::string flood;
  for (int i = 0; i < 40; ++i) flood += record(22, "");
  fresh_both_roles(record(22, ""));
  fresh_both_roles(flood);
  established_both_roles([](const std::string& bytes) { return record(23, "") + bytes; });
}

TEST_P(BadInput, PlaintextAlerts) {
  fresh_both_roles(record(21, "\x02\x28"s));          // handshake_failure
  fresh_both_roles(record(21, "\x01\x5a"s));          // user_canceled, a warning
  fresh_both_roles(record(21, "\x02"s));              // half of one
  fresh_both_roles(record(21, "\x02\x28\x02\x28"s));  // two
  established_both_roles([](const std::string& bytes) { return record(21, "\x02\x28"s) + bytes; });
}

TEST_P(BadInput, WarningAlertsWithoutEnd) {
  std::string flood;
  for (int i = 0; i < 10; ++i) flood += record(21, "\x01\x5a"s);
  fresh_both_roles(flood);
}

TEST_P(BadInput, RecordOfAnotherType) {
  for (const int type : {20, 23, 24, 25, 99}) {
    fresh_both_roles(record(type, "some bytes"));
    established_both_roles([type](const std::string& bytes) { return record(type, "\x01") + bytes; });
  }
}

TEST_P(BadInput, BadMac) {
  established_both_roles([](std::string bytes) { return bytes.back() ^= 1, bytes; });
  EXPECT_EQ(differential.last.alerts, kBadRecordMac);
}

TEST_P(BadInput, RecordReplayed) {
  established_both_roles([](const std::string& bytes) { return bytes + bytes; });
  EXPECT_EQ(differential.last.alerts, kBadRecordMac);
}

TEST_P(BadInput, TooShortToDecrypt) {
  established_both_roles([](const std::string&) { return record(23, "short"); });
}

TEST_P(BadInput, GarbageAfterTheHandshake) {
  established_both_roles([](const std::string& bytes) { return bytes + "GET / HTTP/1.0\r\n\r\n"; });
}

TEST_P(BadInput, HelloCutByTheEndAtEveryByte) {
  const std::string hello = client_hello();
  for (std::size_t size = 0; size < hello.size(); ++size)
    differential.fresh(Role::kServer, hello.substr(0, size), true);
}

TEST_P(BadInput, DataRecordCutByTheEndAtEveryByte) {
  for (std::size_t size = 0; size < 36; ++size) {
    const auto cut = [size](const std::string& bytes) { return bytes.substr(0, size); };
    differential.established(Role::kServer, cut, true);
    differential.established(Role::kClient, cut, true);
    expect(SSL_R_UNEXPECTED_EOF_WHILE_READING);
  }
}

TEST_P(BadInput, FlightCutByTheEnd) {
  for (std::size_t size = 0; size < 1200; size += 29) {
    const auto cut = [size](const std::string& bytes) { return bytes.substr(0, size); };
    differential.handshake(Role::kClient, cut, true);
    differential.handshake(Role::kServer, cut, true);
  }
}

TEST_P(BadInput, FlightWithOneByteWrong) {
  for (std::size_t place = 0; place < 1200; place += 23) {
    const auto spoil = [place](std::string bytes) {
      if (place < bytes.size()) bytes[place] ^= 0x40;
      return bytes;
    };
    differential.handshake(Role::kClient, spoil, true);
    differential.handshake(Role::kServer, spoil, true);
  }
}

FOR_BOTH_VERSIONS(BadInput);

}  // namespace
}  // namespace openssl_event::testing
