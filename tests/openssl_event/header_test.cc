// The public header: clean in C99 and C++, names for every value, descriptions without contents.
#include <array>
#include <string>

#include "tests/support/pair.h"

extern "C" int header_works_in_c(SSL* ssl);

namespace openssl_event::testing {
namespace {

TEST(Header, WorksInC) {
  Pair pair;
  EXPECT_EQ(header_works_in_c(pair.client_ssl().get()), 1);
}

TEST(Header, VersionIsThatOfTheLibrary) { EXPECT_STREQ(openssl_version(), "0.1.0"); }

TEST(Names, OfKinds) {
  const std::array names = {"RECORD_IN",      "RECORD_OUT",      "CLEARTEXT_IN", "CLEARTEXT_OUT",
                            "ENGINE_CALL_IN", "ENGINE_CALL_OUT", "STATUS_OUT",   "LOOKUP_IN",
                            "LOOKUP_OUT"};
  for (std::size_t i = 0; i < names.size(); ++i)
    EXPECT_STREQ(openssl_kindName(OPENSSL_RECORD_IN_KIND + static_cast<int>(i)), names[i]);
  for (const int other : {0, 10, -1, 1000}) EXPECT_STREQ(openssl_kindName(other), "UNKNOWN");
}

TEST(Names, OfOperationsAndStatuses) {
  const std::array operations = {"SIGN", "DECRYPT", "KEYGEN", "DERIVE", "VERIFY", "ENCAPSULATE", "DECAPSULATE"};
  for (std::size_t i = 0; i < operations.size(); ++i)
    EXPECT_STREQ(openssl_operationName(OPENSSL_OPERATION_SIGN + static_cast<int>(i)), operations[i]);
  for (const int other : {0, 8}) EXPECT_STREQ(openssl_operationName(other), "UNKNOWN");
  const std::array names = {"HANDSHAKE_DONE", "CLOSE_NOTIFY", "OUTPUT_CLOSED", "KEY_UPDATED", "ERROR", "SESSION_NEW"};
  for (std::size_t i = 0; i < names.size(); ++i) EXPECT_STREQ(openssl_statusName(1 + static_cast<int>(i)), names[i]);
  EXPECT_STREQ(openssl_statusName(0), "UNKNOWN");
  EXPECT_STREQ(openssl_statusName(7), "UNKNOWN");
}

TEST(Names, OfReasons) {
  const std::array names = {"NONE",        "PROTOCOL", "ALERT",       "VERIFY",   "TRUNCATED",
                            "CALL_FAILED", "FLOOD",    "STACK_LIMIT", "NO_MEMORY", "LOOKUP_FAILED"};
  for (std::size_t i = 0; i < names.size(); ++i) EXPECT_STREQ(openssl_reasonName(static_cast<int>(i)), names[i]);
  EXPECT_STREQ(openssl_reasonName(10), "UNKNOWN");
}

TEST(Names, OfLookups) {
  const std::array names = {"CLIENT_HELLO", "CERTIFICATE", "ALPN",   "SESSION", "TICKET_KEY",
                            "PSK",          "STAPLE",      "STAPLE_RECEIVED", "VERIFY"};
  for (std::size_t i = 0; i < names.size(); ++i) EXPECT_STREQ(openssl_lookupName(1 << i), names[i]);
  EXPECT_STREQ(openssl_lookupName(0), "UNKNOWN");
  EXPECT_STREQ(openssl_lookupName(OPENSSL_NEW_SESSIONS), "UNKNOWN");
}

TEST(Names, OfBitsFitTheirBuffer) {
  char text[100];
  EXPECT_STREQ(openssl_wantsNames(63, text, sizeof text), "RECORD|REPLY|SENT|USED|CLEARTEXT|TURN");
  EXPECT_STREQ(openssl_wantsNames(0, text, sizeof text), "");
  EXPECT_STREQ(openssl_wantsNames(63, text, 10), "RECORD|RE");
  EXPECT_STREQ(openssl_closedNames(7, text, sizeof text), "IN|OUT|ERROR");
  EXPECT_EQ(openssl_closedNames(7, text, 0), text);
}

TEST(Describe, TellsKindAndLengthButNoContents) {
  const std::string secret = "correct horse battery staple";
  char text[100];
  OPENSSL_EVENT* e = openssl_newCleartextInEvent(secret.data(), secret.size());
  EXPECT_STREQ(openssl_describe(e, text, sizeof text), "CLEARTEXT_IN 28 bytes");
  EXPECT_STREQ(openssl_describe(e, text, 5), "CLEA");
  openssl_freeEvent(e);
  e = openssl_newRecordInEvent(secret.data(), secret.size());
  EXPECT_STREQ(openssl_describe(e, text, sizeof text), "RECORD_IN 28 bytes no TLS");
  openssl_freeEvent(e);
  e = openssl_newRecordInEvent("\x17", 1);
  EXPECT_STREQ(openssl_describe(e, text, sizeof text), "RECORD_IN 1 bytes fragment");
  openssl_freeEvent(e);
}

// Whatever passes in a connection: no line has a printable run of what is said in it.
TEST(Describe, NeverShowsCleartext) {
  static std::string lines;
  lines.clear();
  Pair pair;
  auto client = pair.machine_client();
  auto server = pair.machine_server();
  const auto note = [](void*, openssl_t*, int, const OPENSSL_EVENT* e) {
    char text[300];
    lines += openssl_describe(e, text, sizeof text) + std::string("\n");
  };
  openssl_setTrace(client->tls(), note, nullptr);
  openssl_setTrace(server->tls(), note, nullptr);
  client->send("correct horse battery staple");
  carry(*client, *server);
  EXPECT_NE(lines.find("CLEARTEXT_OUT 28 bytes"), std::string::npos);
  EXPECT_EQ(lines.find("horse"), std::string::npos);
}

TEST(Events, TellTheirSize) {
  OPENSSL_EVENT* e = openssl_newRecordInEvent(nullptr, 100);
  EXPECT_EQ(e->r.size, sizeof(OPENSSL_RECORD));
  EXPECT_EQ(e->r.len, 100);
  EXPECT_EQ(e->r.flags, 0u);
  openssl_freeEvent(e);
  EXPECT_EQ(openssl_freeEvent(nullptr), 1);
}

TEST(Events, LongerThanIntAreRefused) {
  EXPECT_EQ(openssl_newCleartextInEvent(nullptr, std::size_t{1} << 31), nullptr);
  EXPECT_EQ(openssl_wrapRecordInEvent(nullptr, std::size_t{1} << 31, nullptr, nullptr), nullptr);
}

TEST(Events, WrappedMemoryIsReleasedOnce) {
  int released = 0;
  char memory[4] = {'d', 'a', 't', 'a'};
  const auto release = [](void* count) { ++*static_cast<int*>(count); };
  openssl_freeEvent(openssl_wrapCleartextInEvent(memory, 4, release, &released));
  EXPECT_EQ(released, 1);
  Pair pair;
  auto client = pair.machine_client();
  openssl_putEvent(client->tls(), openssl_wrapCleartextInEvent(memory, 4, release, &released));
  EXPECT_EQ(released, 1);
  client->free_machine();
  EXPECT_EQ(released, 2);
}

TEST(Events, OfNegativeLengthAreRefused) {
  Pair pair;
  auto client = pair.machine_client();
  OPENSSL_EVENT* e = openssl_newCleartextInEvent("x", 1);
  e->c.len = -1;
  EXPECT_EQ(openssl_putEvent(client->tls(), e), 0);
  openssl_freeEvent(e);
}

}  // namespace
}  // namespace openssl_event::testing
