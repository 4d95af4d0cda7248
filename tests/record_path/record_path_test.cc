// The record path carries application data both ways, without a copy, and leaves the rest to libssl.
#include <algorithm>

#include "tests/record_path/path_fixture.h"
#include "tests/support/cipher_engine.h"

namespace openssl_event::testing {
namespace {

TEST_P(PathTest, CarriesDataOfEverySizeBothWays) {
  connect();
  take_over();
  for (const std::size_t size : {1, 2, 15, 16, 17, 100, 1024, 1369, 4096, 16383, 16384, 16385, 40000, 100000})
    exchange(pattern(size), pattern(size, 'A'));
  EXPECT_GT(path().sealed, 14u);
  EXPECT_GT(path().opened, 14u);
  EXPECT_EQ(path().reason, OPENSSL_PATH_REASON_NONE);
  EXPECT_FALSE(machine->failed());
}

TEST_P(PathTest, BeginsWithTheFirstRecordOfEachDirection) {
  connect();
  EXPECT_EQ(path().sends, OPENSSL_PATH_LIBSSL);
  exchange("x", "");
  EXPECT_EQ(path().sends, OPENSSL_PATH_DIRECT);
  exchange("", "y");
  EXPECT_EQ(path().receives, OPENSSL_PATH_DIRECT);
}

TEST_P(PathTest, ClosesInOrderWhoeverBegins) {
  connect();
  take_over();
  peer->close_output();
  carry(*machine, *peer);
  EXPECT_TRUE(machine->closed_in());
  exchange(pattern(20000), "");
  machine->close_output();
  carry(*machine, *peer);
  EXPECT_TRUE(peer->closed_in());
  if (SSL* ssl = machine->ssl()) {
    EXPECT_EQ(SSL_get_shutdown(ssl), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
  EXPECT_EQ(SSL_get_shutdown(peer->ssl()), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

TEST_P(PathTest, ReceivesAfterItHasClosed) {
  connect();
  take_over();
  machine->close_output();
  carry(*machine, *peer);
  EXPECT_TRUE(peer->closed_in());
  exchange("", pattern(20000));
  peer->close_output();
  carry(*machine, *peer);
  EXPECT_TRUE(machine->closed_in());
  EXPECT_FALSE(machine->failed());
}

TEST_P(PathTest, SealsNothingAfterCloseNotify) {
  connect();
  take_over();
  machine->close_output();
  machine->work();
  const auto records = split_records(machine->take_output());
  EXPECT_EQ(records.size(), 1u);
  OPENSSL_EVENT* late = openssl_newCleartextInEvent("late", 4);
  EXPECT_EQ(openssl_putEvent(machine->tls(), late), 0);
  openssl_freeEvent(late);
  machine->work();
  EXPECT_EQ(machine->take_output(), "");
}

TEST_P(PathTest, ClosesWithoutDataHavingFlowed) {
  connect();
  machine->close_output();
  peer->close_output();
  carry(*machine, *peer);
  EXPECT_TRUE(machine->closed_in());
  EXPECT_TRUE(peer->closed_in());
}

TEST_P(PathTest, CleartextLiesInTheRecordWhichComesBackAfterIt) {
  connect();
  take_over();
  machine->keep_cleartext = true;
  std::string record = records_of_peer(pattern(1000));
  OPENSSL_EVENT* in = openssl_wrapRecordInEvent(record.data(), record.size(), nullptr, nullptr);
  openssl_putEvent(machine->tls(), in);
  const int returned = machine->records_returned;
  machine->work();
  ASSERT_EQ(machine->cleartext.size(), 1u);
  const OPENSSL_CLEARTEXT& cleartext = machine->cleartext[0]->c;
  EXPECT_GE(cleartext.buf, record.data());
  EXPECT_LE(cleartext.buf + cleartext.len, record.data() + record.size());
  EXPECT_EQ(std::string(cleartext.buf, static_cast<std::size_t>(cleartext.len)), pattern(1000));
  EXPECT_EQ(machine->records_returned, returned);
  machine->return_all_cleartext();
  machine->work();
  EXPECT_EQ(machine->records_returned, returned + 1);
}

// A small cleartext does not keep the network's buffer for longer than the first few do.
TEST_P(PathTest, CleartextOfASlowReaderIsCopiedOutAndItsRecordsComeBack) {
  connect();
  take_over();
  openssl_setWindow(machine->tls(), 16, 1000);
  machine->keep_cleartext = machine->one_by_one = true;
  const int returned = machine->records_returned;
  for (int i = 0; i < 100; ++i) deliver(*machine, records_of_peer(pattern(50, static_cast<char>('a' + i % 7))));
  ASSERT_EQ(machine->cleartext.size(), 100u);
  EXPECT_EQ(machine->records_returned - returned, 96);
  for (int i = 0; i < 100; ++i) {
    const OPENSSL_CLEARTEXT& c = machine->cleartext[static_cast<std::size_t>(i)]->c;
    EXPECT_EQ(std::string(c.buf, static_cast<std::size_t>(c.len)), pattern(50, static_cast<char>('a' + i % 7)));
  }
  machine->return_all_cleartext();
  machine->work();
  EXPECT_EQ(machine->records_returned - returned, 100);
  exchange(pattern(40000), pattern(40000));
}

TEST_P(PathTest, CleartextThatIsCopiedOutIsWipedFromItsRecordIfAsked) {
  make();
  SSL_set_options(machine->ssl(), SSL_OP_CLEANSE_PLAINTEXT);
  connect();
  take_over();
  machine->keep_cleartext = machine->one_by_one = true;
  for (int i = 0; i < 4; ++i) deliver(*machine, records_of_peer("kept"));
  std::string record = records_of_peer(pattern(100));
  openssl_putEvent(machine->tls(), openssl_wrapRecordInEvent(record.data(), record.size(), nullptr, nullptr));
  machine->work();
  EXPECT_TRUE(machine->received().ends_with(pattern(100)));
  EXPECT_EQ(record.find(pattern(20)), std::string::npos);
}

TEST_P(PathTest, CleartextOutlivesItsConnection) {
  connect();
  take_over();
  machine->keep_cleartext = true;
  peer->send(pattern(5000));
  carry(*machine, *peer);
  machine->free_machine();
  ASSERT_EQ(machine->cleartext.size(), 1u);
  EXPECT_EQ(std::string(machine->cleartext[0]->c.buf, 5000), pattern(5000));
}

TEST_P(PathTest, EveryRecordPutComesBack) {
  connect();
  take_over();
  for (int i = 0; i < 50; ++i) exchange(pattern(300), pattern(700));
  EXPECT_EQ(machine->records_returned, machine->records_put);
  EXPECT_EQ(machine->cleartext_returned, machine->cleartext_put);
}

TEST_P(PathTest, KeepsToItsWindows) {
  connect();
  take_over();
  openssl_setWindow(machine->tls(), 2, 3);
  machine->keep_cleartext = machine->keep_records = true;
  for (int i = 0; i < 10; ++i) peer->send(pattern(16384));
  machine->send(pattern(100000));
  carry(*machine, *peer);
  EXPECT_EQ(machine->cleartext.size(), 3u);
  EXPECT_EQ(machine->records.size(), 2u);
  machine->keep_cleartext = machine->keep_records = false;
  machine->return_all_cleartext();
  machine->return_records();
  carry(*machine, *peer);
  EXPECT_TRUE(peer->received().ends_with(pattern(100000)));
  EXPECT_EQ(machine->received().size(), 10u * 16384 + std::string("to the machine").size());
}

TEST_P(PathTest, WipesCleartextThatGoesBackIfAsked) {
  make();
  SSL_set_options(machine->ssl(), SSL_OP_CLEANSE_PLAINTEXT);
  connect();
  take_over();
  std::string record = records_of_peer(pattern(1000));
  openssl_putEvent(machine->tls(), openssl_wrapRecordInEvent(record.data(), record.size(), nullptr, nullptr));
  machine->work();
  EXPECT_TRUE(machine->received().ends_with(pattern(1000)));
  EXPECT_EQ(record.find(pattern(20)), std::string::npos);
}

FOR_ALL_VARIANTS_AND_WITHOUT_SSL(PathTest);

// ---- Who stays with libssl ----

class FallbackTest : public PathTest {
 protected:
  // The connection works, and its application data goes through libssl for `reason`.
  void expect_libssl(int reason, bool translated = false) {
    exchange(pattern(40000), pattern(40000));
    EXPECT_EQ(path().reason, reason) << openssl_pathReasonName(path().reason);
    EXPECT_EQ(path().sends, translated ? OPENSSL_PATH_TRANSLATED : OPENSSL_PATH_LIBSSL);
    EXPECT_FALSE(machine->failed());
  }
};

TEST_P(FallbackTest, ContextThatIsNotPrepared) {
  pair = Pair(GetParam().version);
  connect();
  expect_libssl(OPENSSL_PATH_REASON_UNPREPARED);
}

TEST_P(FallbackTest, SwitchedOffBeforeTheHandshake) {
  make();
  openssl_setRecordPath(machine->tls(), 0);
  connect();
  expect_libssl(OPENSSL_PATH_REASON_OFF);
  openssl_setRecordPath(machine->tls(), 1);
  take_over();
}

TEST_P(FallbackTest, SwitchedOffForAll) {
  openssl_setRecordPathDefault(0);
  make();
  openssl_setRecordPathDefault(1);
  connect();
  expect_libssl(OPENSSL_PATH_REASON_OFF);
}

TEST_P(FallbackTest, SwitchedOffAndOnAgainAfterTakeOver) {
  connect();
  take_over();
  for (int i = 0; i < 3; ++i) {
    openssl_setRecordPath(machine->tls(), 0);
    expect_libssl(OPENSSL_PATH_REASON_OFF, true);
    openssl_setRecordPath(machine->tls(), 1);
    take_over();
    exchange(pattern(40000), pattern(40000));
  }
}

TEST_P(FallbackTest, AcceptedMaxFragmentLength) {
  make();
  SSL* client = machine_is_server ? peer->ssl() : machine->ssl();
  SSL_set_tlsext_max_fragment_length(client, TLSEXT_max_fragment_length_1024);
  connect();
  expect_libssl(OPENSSL_PATH_REASON_FRAGMENT);
}

TEST_P(FallbackTest, MaxSendFragmentIsFoundOutAndKept) {
  make();
  SSL_set_max_send_fragment(machine->ssl(), 1000);
  connect();
  take_over();
  for (const std::string& record : split_records(records_of_machine(pattern(10000))))
    EXPECT_LE(record.size(), 1000u + 64);
}

TEST_P(FallbackTest, MaxSendFragmentSetLaterIsKeptOnceSwitchedOff) {
  connect();
  take_over();
  openssl_setRecordPath(machine->tls(), 0);
  SSL_set_max_send_fragment(machine->ssl(), 1000);
  for (const std::string& record : split_records(records_of_machine(pattern(10000))))
    EXPECT_LE(record.size(), 1000u + 64);
}

TEST_P(FallbackTest, RenegotiationAllowed) {
  if (tls13()) return;
  make();
  openssl_allowRenegotiation(machine->tls(), 1);
  connect();
  expect_libssl(OPENSSL_PATH_REASON_RENEGOTIATION);
}

TEST_P(FallbackTest, ApplicationsKeyLogGoesOn) {
  static int lines;
  lines = 0;
  Pair other(GetParam().version);
  SSL_CTX* context = (machine_is_server ? other.server_context : other.client_context).get();
  SSL_CTX_set_keylog_callback(context, [](const SSL*, const char*) { ++lines; });
  ASSERT_TRUE(openssl_prepareContext(context) && openssl_prepareContext(context));
  pair = std::move(other);
  connect();
  EXPECT_EQ(lines, tls13() ? 5 : 1);
  take_over();
}

TEST_P(FallbackTest, AnotherBioOfTheSslEndsTheConnection) {
  connect();
  take_over();
  SSL_set_bio(machine->ssl(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  BIO* bio = SSL_get_wbio(machine->ssl());
  machine->close_output();
  machine->work();
  EXPECT_TRUE(machine->failed());
  EXPECT_EQ(BIO_ctrl_pending(bio), 0u);
}

TEST_P(FallbackTest, CiphersOfAnEngine) {
  const CipherEngine engine;
  if (!engine.is_default()) return;
  connect();
  expect_libssl(OPENSSL_PATH_REASON_SUITE);
}

FOR_ALL_VARIANTS(FallbackTest);

// ---- Padding: of TLS 1.3 only ----

class PaddingTest : public FallbackTest {};

TEST_P(PaddingTest, BlockPaddingIsKept) {
  make();
  SSL_set_block_padding(machine->ssl(), 512);
  connect();
  expect_libssl(OPENSSL_PATH_REASON_PADDING, true);
  EXPECT_EQ(records_of_machine("x").size(), 5u + 512 + 16);
}

TEST_P(PaddingTest, TheSmallestBlocksAreSeen) {
  make();
  SSL_set_block_padding(machine->ssl(), 2);
  connect();
  expect_libssl(OPENSSL_PATH_REASON_PADDING, true);
  EXPECT_EQ(records_of_machine("xx").size(), 5u + 4 + 16);
}

TEST_P(PaddingTest, PaddingCallbackIsKept) {
  make();
  SSL_set_record_padding_callback(machine->ssl(), [](SSL*, int, std::size_t, void*) { return std::size_t{99}; });
  connect();
  exchange(pattern(1000), pattern(1000));
  EXPECT_EQ(path().reason, OPENSSL_PATH_REASON_PADDING);
  EXPECT_EQ(records_of_machine("x").size(), 5u + 1 + 1 + 99 + 16);
}

TEST_P(PaddingTest, PaddedRecordsOfThePeerAreOpened) {
  make();
  SSL_set_block_padding(peer->ssl(), 4096);
  connect();
  take_over();
  exchange("", pattern(30000));
}

FOR_TLS13_VARIANTS(PaddingTest);

// ---- Suites and versions that do not qualify ----

class OtherSuiteTest : public PathTest {};

TEST_P(OtherSuiteTest, StaysWithLibssl) {
  connect();
  exchange(pattern(40000), pattern(40000));
  EXPECT_EQ(path().reason, OPENSSL_PATH_REASON_SUITE);
}

INSTANTIATE_TEST_SUITE_P(Suites, OtherSuiteTest,
                         ::testing::Values(Variant{TLS1_3_VERSION, "TLS_AES_128_CCM_SHA256", Role::kServer},
                                           Variant{TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256", Role::kServer},
                                           Variant{TLS1_2_VERSION, "ECDHE-ECDSA-AES128-CCM", Role::kClient}),
                         variant_name);

// ---- How data is cut into records ----

class RecordsTest : public PathTest {
 protected:
  void put(const std::string& text) { machine->send(text); }
};

TEST_P(RecordsTest, EachCleartextIsARecordUnlessGathered) {
  connect();
  take_over();
  for (int i = 0; i < 10; ++i) put("piece");
  machine->work();
  EXPECT_EQ(split_records(machine->take_output()).size(), 10u);
}

TEST_P(RecordsTest, GatheredCleartextIsOneRecord) {
  connect();
  take_over();
  openssl_setRecords(machine->tls(), OPENSSL_RECORDS_GATHER);
  for (int i = 0; i < 10; ++i) put(i % 3 ? "piece" : "");
  machine->work();
  const int returned = machine->cleartext_returned;
  const std::string bytes = machine->take_output();
  EXPECT_EQ(split_records(bytes).size(), 1u);
  EXPECT_EQ(returned, machine->cleartext_put);
  deliver(*peer, bytes);
  EXPECT_TRUE(peer->received().ends_with("to the peerpiecepiecepiecepiecepiecepiece"));
}

TEST_P(RecordsTest, GatheringFillsRecordsAcrossPieces) {
  connect();
  take_over();
  openssl_setRecords(machine->tls(), OPENSSL_RECORDS_GATHER);
  std::string all;
  for (int i = 0; i < 40; ++i) {
    const std::string piece = pattern(static_cast<std::size_t>(i * 97), static_cast<char>('a' + i % 7));
    put(piece);
    all += piece;
  }
  machine->work();
  const std::string bytes = machine->take_output();
  EXPECT_LE(split_records(bytes).size(), all.size() / 16384 + 3);
  deliver(*peer, bytes);
  EXPECT_TRUE(peer->received() == "to the peer" + all);
  EXPECT_EQ(machine->cleartext_returned, machine->cleartext_put);
}

TEST_P(RecordsTest, RecordsGrowFromThoseOfAPacket) {
  connect();
  take_over();
  openssl_setRecords(machine->tls(), OPENSSL_RECORDS_GROW);
  const auto records = split_records(records_of_machine(pattern(200000)));
  EXPECT_LT(records.front().size(), 1460u);
  EXPECT_GT(records[records.size() - 2].size(), 16384u);
  openssl_setRecords(machine->tls(), OPENSSL_RECORDS_GROW);
  EXPECT_LT(split_records(records_of_machine(pattern(5000))).front().size(), 1460u);
  openssl_setRecords(machine->tls(), 0);
  EXPECT_EQ(split_records(records_of_machine(pattern(5000))).size(), 1u);
}

FOR_ALL_VARIANTS(RecordsTest);

}  // namespace
}  // namespace openssl_event::testing
