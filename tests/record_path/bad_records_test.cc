// Records that are not what they should be end a connection on the record path exactly as they end plain libssl.
#include <openssl/err.h>

#include <optional>

#include "tests/record_path/forger.h"
#include "tests/record_path/path_fixture.h"

namespace openssl_event::testing {
namespace {

struct Ending {
  unsigned long error = 0;        // of the end that was fed
  unsigned long peers_error = 0;  // of its peer, which got the alert
  std::string received;
  bool operator==(const Ending&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Ending& end) {
  return out << ERR_error_string(end.error, nullptr) << " / " << ERR_error_string(end.peers_error, nullptr) << " after "
             << end.received.size() << " bytes";
}

// The record layer of OpenSSL 3.2 judges some records otherwise than those of 3.0 and 3.1. A machine without SSL goes on
// to judge as these do, and as the RFCs say.
constexpr bool kJudgesAnew = OPENSSL_VERSION_PREREQ(3, 2);

// The machine, and beside it plain libssl in its place, each with a peer in whose name records are made.
class BadRecordsTest : public PathTest {
 protected:
  using Make = std::function<std::string(Forger&)>;

  BadRecordsTest() {
    EXPECT_EQ(openssl_prepareContext(peer_context()), 1);
    make();
    forger.emplace(peer->ssl());
    connect();
    twin = machine_is_server ? pair.plain_server() : pair.plain_client();
    twin_peer = machine_is_server ? pair.plain_client() : pair.plain_server();
    twin_forger.emplace(twin_peer->ssl());
    carry(*twin, *twin_peer);
    // TLS 1.3: the two tickets of a server. TLS 1.2: the Finished.
    const std::size_t sent = tls13() ? (machine_is_server ? 0 : 2) : 1;
    forger->count(sent);
    twin_forger->count(sent);
    machine->send("to the peer");
    twin->send("to the peer");
    feed(data("to the machine"));
    EXPECT_EQ(path().receives, OPENSSL_PATH_DIRECT);
    EXPECT_EQ(machine->received(), "to the machine");
    EXPECT_EQ(twin->received(), "to the machine");
    release();
  }

  static Make data(const std::string& contents) {
    return [contents](Forger& by) { return by.record(kApplicationData, contents); };
  }
  static Make raw(const std::string& bytes) {
    return [bytes](Forger&) { return bytes; };
  }

  void feed(const Make& make) {
    deliver(*machine, make(*forger));
    deliver(*twin, make(*twin_forger));
  }
  // What both ends made of all that was fed.
  Ending of_machine() {
    carry(*machine, *peer);
    return {machine->error(), peer->error(), machine->received()};
  }
  Ending of_twin() {
    carry(*twin, *twin_peer);
    return {twin->error(), twin_peer->error(), twin->received()};
  }
  void expect_same_end() {
    const Ending machines = of_machine();
    EXPECT_EQ(machines, of_twin());
    EXPECT_TRUE(machine->failed());
    EXPECT_NE(machines.peers_error, 0u);
  }

  // The same for a record that libssl judges anew, to which a machine without SSL answers by `alert`.
  void expect_same_end_or(int alert) {
    if (!kJudgesAnew || !GetParam().without_ssl) return expect_same_end();
    expect_end_by(alert);
  }
  void expect_end_by(int alert) {
    of_machine();
    ASSERT_TRUE(machine->failed());
    EXPECT_EQ(machine->failure()->alert_sent, alert);
    EXPECT_EQ(ERR_GET_REASON(peer->error()), SSL_AD_REASON_OFFSET + alert);
  }
  // A record of TLS 1.2 that is too short to have a tag is a bad_record_mac (RFC 5246 6.2.3.3) for some versions of libssl,
  // 3.0.22 for one, and an internal_error for others: 3.0.19, and all from 3.2 on.
  void expect_end_of_a_short_record() {
    tls13() || !GetParam().without_ssl ? expect_same_end() : expect_end_by(SSL_AD_BAD_RECORD_MAC);
  }

  std::unique_ptr<PlainEnd> twin, twin_peer;
  std::optional<Forger> forger, twin_forger;
};

std::string bytes(std::initializer_list<int> values, std::size_t more = 0) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text + std::string(more, 'x');
}

TEST_P(BadRecordsTest, WrongTag) {
  feed([](Forger& by) {
    std::string record = by.record(kApplicationData, pattern(100));
    record.back() ^= 1;
    return record;
  });
  expect_same_end();
}

TEST_P(BadRecordsTest, WrongByte) {
  feed([](Forger& by) {
    std::string record = by.record(kApplicationData, pattern(100));
    record[record.size() - 60] ^= 0x40;
    return record;
  });
  expect_same_end();
}

TEST_P(BadRecordsTest, WrongTagOfAnEmptyRecord) {
  feed([](Forger& by) {
    std::string record = by.record(kApplicationData, "");
    record.back() ^= 1;
    return record;
  });
  expect_same_end();
}

TEST_P(BadRecordsTest, RecordLeftOut) {
  forger->count(1);
  twin_forger->count(1);
  feed(data("too early"));
  expect_same_end();
}

TEST_P(BadRecordsTest, PlaintextAlert) {
  feed(raw(bytes({21, 3, 3, 0, 2, 2, 40})));
  expect_end_of_a_short_record();
}

TEST_P(BadRecordsTest, PlaintextHandshake) {
  feed(raw(bytes({22, 3, 3, 0, 4, 0, 0, 0, 0})));
  expect_end_of_a_short_record();
}

TEST_P(BadRecordsTest, ChangeCipherSpec) {
  feed(raw(bytes({20, 3, 3, 0, 1, 1})));
  if (!tls13())
    expect_end_of_a_short_record();
  else if (kJudgesAnew && !machine_is_server)
    expect_end_by(SSL_AD_UNEXPECTED_MESSAGE);  // libssl's clients drop it, though the handshake has finished
  else
    expect_same_end();
}

TEST_P(BadRecordsTest, ShortRecord) {
  feed(raw(bytes({23, 3, 3, 0, 5}, 5)));
  expect_end_of_a_short_record();
}

TEST_P(BadRecordsTest, RecordWithoutBody) {
  feed(raw(bytes({23, 3, 3, 0, 0})));
  expect_end_of_a_short_record();
}

TEST_P(BadRecordsTest, WrongVersion) {
  feed(raw(bytes({23, 3, 1, 0, 50}, 50)));
  expect_same_end();
}

TEST_P(BadRecordsTest, RecordLongerThanAllowed) {
  feed(raw(bytes({23, 3, 3, 0x48, 0x00}, 0x4800)));
  expect_same_end_or(SSL_AD_RECORD_OVERFLOW);
}

TEST_P(BadRecordsTest, LengthLongerThanAllowed) {
  feed(raw(bytes({23, 3, 3, 0x49, 0x00}, 0x4900)));
  expect_same_end_or(SSL_AD_RECORD_OVERFLOW);
}

TEST_P(BadRecordsTest, NoTls) {
  feed(raw("GET / HTTP/1.0\r\n\r\n"));
  expect_same_end_or(SSL_AD_PROTOCOL_VERSION);
}

TEST_P(BadRecordsTest, OverLongPlaintext) {
  feed(data(pattern(16385)));
  expect_same_end();
}

TEST_P(BadRecordsTest, LongestPlaintextIsTaken) {
  feed(data(pattern(16384)));
  EXPECT_TRUE(machine->received().ends_with(pattern(16384)));
  EXPECT_EQ(of_machine(), of_twin());
}

TEST_P(BadRecordsTest, FatalAlert) {
  feed([](Forger& by) { return by.record(kAlert, bytes({2, SSL_AD_DECODE_ERROR})); });
  of_machine();
  of_twin();
  EXPECT_EQ(machine->error(), twin->error());
  EXPECT_EQ(machine->reason(), OPENSSL_REASON_ALERT);
}

TEST_P(BadRecordsTest, WarningAlerts) {
  for (int i = 0; i < 5; ++i) feed([](Forger& by) { return by.record(kAlert, bytes({1, SSL_AD_USER_CANCELLED})); });
  expect_same_end();
}

TEST_P(BadRecordsTest, WarningAlertsWithDataBetweenThem) {
  for (int i = 0; i < 12; ++i) {
    feed([](Forger& by) { return by.record(kAlert, bytes({1, SSL_AD_USER_CANCELLED})); });
    if (i % 3 == 2) feed(data("data"));
  }
  EXPECT_EQ(of_machine(), of_twin());
  EXPECT_FALSE(machine->failed());
}

// libssl calls it a close. Nothing can follow, but the peer has not ended in order.
TEST_P(BadRecordsTest, CloseNotifyInTheMiddleOfAKeyUpdate) {
  if (!tls13() || GetParam().without_ssl) return;
  feed([](Forger& by) { return by.record(kHandshake, bytes({24, 0, 0, 1})); });
  feed([](Forger& by) { return by.record(kAlert, bytes({1, SSL_AD_CLOSE_NOTIFY})); });
  of_machine();
  of_twin();
  EXPECT_TRUE(twin->closed_in());
  ASSERT_EQ(machine->reason(), OPENSSL_REASON_PROTOCOL);
  EXPECT_EQ(machine->failure()->alert_received, SSL_AD_CLOSE_NOTIFY);
}

TEST_P(BadRecordsTest, MalformedAlert) {
  feed([](Forger& by) { return by.record(kAlert, bytes({1})); });
  expect_same_end();
}

TEST_P(BadRecordsTest, UnknownHandshakeMessage) {
  feed([](Forger& by) { return by.record(kHandshake, bytes({99, 0, 0, 1, 0})); });
  expect_same_end();
}

TEST_P(BadRecordsTest, SomeEmptyRecordsAreAllowed) {
  for (int i = 0; i < 32; ++i) feed(data(""));
  feed(data("still there"));
  for (int i = 0; i < 32; ++i) feed(data(""));
  feed(data("still there"));
  EXPECT_TRUE(machine->received().ends_with("still therestill there"));
  EXPECT_EQ(of_machine(), of_twin());
  EXPECT_FALSE(machine->failed());
  EXPECT_EQ(machine->records_put, machine->records_returned);
}

TEST_P(BadRecordsTest, TooManyEmptyRecords) {
  for (int i = 0; i < 33; ++i) feed(data(""));
  expect_same_end();
  EXPECT_EQ(machine->failure()->alert_sent, SSL_AD_UNEXPECTED_MESSAGE);
}

TEST_P(BadRecordsTest, EndOfTransport) {
  machine->end_input();
  twin->end_input();
  machine->work();
  twin->work();
  EXPECT_EQ(machine->error(), twin->error());
  EXPECT_EQ(machine->reason(), OPENSSL_REASON_TRUNCATED);
}

TEST_P(BadRecordsTest, EndOfTransportWithinARecord) {
  const std::string record = forger->record(kApplicationData, pattern(100));
  machine->receive(std::string_view(record).substr(0, 50));
  machine->end_input();
  machine->work();
  EXPECT_EQ(machine->reason(), OPENSSL_REASON_TRUNCATED);
  EXPECT_EQ(machine->received(), "to the machine");
}

// What failed is never shown, and never given to libssl: its own number lags behind, so that an old record, replayed,
// would be authentic there.
TEST_P(BadRecordsTest, OldRecordReplayedIsRefused) {
  std::vector<std::string> old;
  for (int i = 0; i < 12; ++i) {
    old.push_back(forger->record(kApplicationData, "old record " + std::to_string(i)));
    deliver(*machine, old.back());
  }
  const std::string received = machine->received();
  std::string broken = forger->record(kApplicationData, "never seen");
  broken.back() ^= 1;
  deliver(*machine, broken);
  for (const std::string& record : old) deliver(*machine, record);
  EXPECT_EQ(machine->received(), received);
  ASSERT_TRUE(machine->failed());
  EXPECT_EQ(machine->failure()->alert_sent, SSL_AD_BAD_RECORD_MAC);
}

TEST_P(BadRecordsTest, EachOldRecordReplayedFirstIsRefused) {
  for (int which = 0; which < 12; ++which) {
    make();
    forger.emplace(peer->ssl());
    connect();
    forger->count(tls13() ? (machine_is_server ? 0 : 2) : 1);
    std::vector<std::string> old;
    for (int i = 0; i < 12; ++i) {
      old.push_back(forger->record(kApplicationData, "old record " + std::to_string(i)));
      deliver(*machine, old.back());
    }
    const std::string received = machine->received();
    EXPECT_GE(path().opened, 11u);  // one goes to libssl after the tickets of TLS 1.3
    deliver(*machine, old[static_cast<std::size_t>(which)]);
    EXPECT_EQ(machine->received(), received);
    ASSERT_TRUE(machine->failed());
    EXPECT_EQ(machine->failure()->alert_sent, SSL_AD_BAD_RECORD_MAC);
  }
}

TEST_P(BadRecordsTest, RecordThatIsNotAuthenticIsWiped) {
  const std::string secret = pattern(400);
  std::string record = forger->record(kApplicationData, secret);
  record.back() ^= 1;
  const std::string before = record;
  openssl_putEvent(machine->tls(), openssl_wrapRecordInEvent(record.data(), record.size(), nullptr, nullptr));
  machine->work();
  EXPECT_TRUE(machine->failed());
  EXPECT_EQ(record.find(secret.substr(0, 20)), std::string::npos);
  EXPECT_EQ(record.substr(0, 5), before.substr(0, 5));
}

FOR_ALL_VARIANTS_AND_WITHOUT_SSL(BadRecordsTest);

class BadRecords13Test : public BadRecordsTest {};

TEST_P(BadRecords13Test, RecordOfZerosOnly) {
  feed([](Forger& by) { return by.record(0, "", 100); });
  expect_same_end();
}

TEST_P(BadRecords13Test, InnerTypeThatDoesNotExist) {
  feed([](Forger& by) { return by.record(99, "what"); });
  expect_same_end();
}

TEST_P(BadRecords13Test, InnerChangeCipherSpec) {
  feed([](Forger& by) { return by.record(kChangeCipherSpec, bytes({1})); });
  expect_same_end();
}

TEST_P(BadRecords13Test, PaddingUpToTheLimitIsTaken) {
  feed([](Forger& by) { return by.record(kApplicationData, "padded", 16378); });
  EXPECT_TRUE(machine->received().ends_with("padded"));
  EXPECT_EQ(of_machine(), of_twin());
}

TEST_P(BadRecords13Test, PaddingBeyondTheLimit) {
  feed([](Forger& by) { return by.record(kApplicationData, "padded", 16384); });
  EXPECT_EQ(of_machine(), of_twin());
}

TEST_P(BadRecords13Test, KeyUpdateOfAnUnknownType) {
  feed([](Forger& by) { return by.record(kHandshake, bytes({24, 0, 0, 1, 7})); });
  expect_same_end();
}

TEST_P(BadRecords13Test, DataInTheMiddleOfAHandshakeMessage) {
  feed([](Forger& by) { return by.record(kHandshake, bytes({24, 0, 0, 1})); });
  feed(data("not yet"));
  expect_same_end();
}

// libssl begins a message when it has the four bytes of its header.
TEST_P(BadRecords13Test, DataInTheMiddleOfAMessagesHeader) {
  feed([](Forger& by) { return by.record(kHandshake, bytes({24, 0})); });
  feed(data("not yet"));
  EXPECT_EQ(of_machine(), of_twin());
}

TEST_P(BadRecords13Test, HandshakeMessageInPiecesIsTaken) {
  for (const int byte : {24, 0, 0, 1, 0}) feed([byte](Forger& by) { return by.record(kHandshake, bytes({byte})); });
  EXPECT_EQ(of_machine(), of_twin());
  EXPECT_FALSE(machine->failed());
}

TEST_P(BadRecords13Test, EmptyHandshakeRecord) {
  feed([](Forger& by) { return by.record(kHandshake, ""); });
  expect_same_end();
}

FOR_TLS13_VARIANTS_AND_WITHOUT_SSL(BadRecords13Test);

}  // namespace
}  // namespace openssl_event::testing
