// How the server begins, ends, and holds out: flags, signals, time, memory, descriptors.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <utility>

#include "tests/examples/server.h"
#include "tests/examples/tls_client.h"

namespace {

void expect_refused(const Command& flags, int status, const std::string& part) {
  const Result result = run(https_server(flags));
  EXPECT_EQ(result.status, status) << result.errors;
  EXPECT_TRUE(contains(result.errors, part)) << result.errors;
  EXPECT_EQ(result.output, "");
}

TEST(HttpsServerFlags, HelpListsThem) {
  const Result result = run({https_server_program(), "--help"});
  EXPECT_EQ(result.status, 0);
  for (const char* flag : {"--port", "--host", "--cert", "--key", "--rsa-bits", "--ec", "--workers", "--allow-quit", "--trace"})
    EXPECT_TRUE(contains(result.output, flag)) << flag;
}

TEST(HttpsServerFlags, WrongOnesAreExplained) {
  expect_refused({"--prot", "1"}, 2, "https_server --help lists all");
  expect_refused({"--port", "x"}, 2, "'x' is no value for --port: give a number from 0 to 65535");
  expect_refused({"--port"}, 2, "--port needs a number");
  expect_refused({"--workers", "-1"}, 2, "--workers");
  expect_refused({"--cert", "x"}, 2, "--cert and --key go together");
}

TEST(HttpsServerFlags, UnusableFilesAreExplained) {
  expect_refused({"--cert", "/nowhere", "--key", "/nowhere"}, 1, "cannot read '/nowhere': No such file or directory");
  expect_refused({"--cert", "/etc/hostname", "--key", "/etc/hostname"}, 1, "no certificate in '/etc/hostname'");
}

TEST(HttpsServerFlags, APortInUseIsExplained) {
  Server server(https_server({"--ec"}));
  expect_refused({"--ec", "--port", std::to_string(server.port())}, 1, "choose another by --port");
  expect_refused({"--ec", "--host", "no.such.host.invalid"}, 1, "--host");
}

TEST(HttpsServerEnd, SigtermLosesNoAnswer) {
  for (const int number : {SIGTERM, SIGINT}) {
    Server server(https_server({"--ec", "--grace", "40"}));
    TlsClient idle(server.port()), busy(server.port()), pipelining(server.port());
    for (TlsClient* client : {&idle, &busy, &pipelining}) ASSERT_TRUE(client->handshake());
    idle.send(get("/bytes/1"));
    idle.read_answer();
    busy.send(get("/bytes/30000000"));
    pipelining.send(get("/bytes/30000000") + get("/bytes/10"));
    std::string first = busy.read_some();
    std::string first_of_two = pipelining.read_some();

    server.process().signal(number);
    EXPECT_EQ(idle.read_all(), "");
    EXPECT_TRUE(idle.closed_in_order());
    EXPECT_GT((first + busy.read_all()).size(), 30000000u);
    EXPECT_TRUE(busy.closed_in_order());
    EXPECT_TRUE(contains(first_of_two + pipelining.read_all(), "Content-Length: 10\r\n"));
    EXPECT_TRUE(pipelining.closed_in_order());
    for (TlsClient* client : {&idle, &busy, &pipelining}) client->vanish(false);
    EXPECT_EQ(server.process().wait(), 0) << server.process().errors();
  }
}

TEST(HttpsServerEnd, SigtermLetsThoseWhoHaveConnectedAskOnce) {
  Server server(https_server({"--ec", "--grace", "40"}));
  TlsClient connected(server.port()), established(server.port());
  ASSERT_TRUE(established.handshake());
  server.process().signal(SIGTERM);
  ASSERT_TRUE(connected.handshake());
  for (TlsClient* client : {&connected, &established}) {
    client->send(get("/bytes/5"));
    EXPECT_TRUE(contains(client->read_all(), "Connection: close\r\n"));
    client->vanish(false);
  }
  EXPECT_EQ(server.process().wait(), 0);
}

TEST(HttpsServerEnd, GraceIsBounded) {
  Server server(https_server({"--ec", "--grace", "0"}));
  TlsClient client(server.port());
  ASSERT_TRUE(client.handshake());
  client.send(get("/bytes/1000000000"));
  client.read_some();
  EXPECT_EQ(server.stop(), 0);
}

TEST(HttpsServerEnd, ASecondSignalEndsItAtOnce) {
  Server server(https_server({"--ec", "--grace", "86400"}));
  TlsClient client(server.port());
  ASSERT_TRUE(client.handshake());
  client.send(get("/bytes/1000000000"));
  client.read_some();
  server.process().signal(SIGTERM);
  server.process().signal(SIGINT);
  EXPECT_EQ(server.process().wait(), 0);
}

TEST(HttpsServerEnd, WithCallsOutIsClean) {
  Server server(https_server({"--rsa-bits", "4096", "--workers", "1", "--grace", "0"}));
  std::vector<std::unique_ptr<TlsClient>> clients;
  for (int i = 0; i < 30; ++i) {
    clients.push_back(std::make_unique<TlsClient>(server.port()));
    clients.back()->send_raw(clients.back()->client_hello());
  }
  EXPECT_EQ(server.stop(), 0) << server.process().errors();
}

TEST(HttpsServerEnd, QuitEndsItIfAllowed) {
  Server server(https_server({"--ec", "--allow-quit"}));
  EXPECT_TRUE(contains(server.get("/quit"), "ends now"));
  EXPECT_EQ(server.process().wait(), 0) << server.process().errors();
}

TEST(HttpsServerTime, ASilentHandshakeIsEnded) {
  Server server(https_server({"--ec", "--handshake-timeout", "1"}));
  TlsClient nothing(server.port()), half(server.port());
  half.send_raw("\x16\x03\x01");
  EXPECT_EQ(nothing.read_raw(), "");
  EXPECT_EQ(half.read_raw(), "");
  EXPECT_EQ(server.metric("openssl_event_failures_total{phase=\"handshake\",reason=\"TIMEOUT\",alert=\"none\",sender=\"none\"}"), 2);
  EXPECT_EQ(server.stop(), 0);
}

TEST(HttpsServerTime, AnIdleConnectionIsClosedInOrder) {
  Server server(https_server({"--ec", "--idle-timeout", "1"}));
  TlsClient client(server.port()), half(server.port());
  ASSERT_TRUE(client.handshake() && half.handshake());
  half.send("GET / HT");
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(contains(half.read_all(), "HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_TRUE(client.closed_in_order() && half.closed_in_order());
  EXPECT_EQ(server.stop(), 0);
}

// A client that is never silent, and never gets on ("slowloris"): a head, and the empty lines before one, have their time.
TEST(HttpsServerTime, AHeadThatNeverEndsHasItsTimeAsAWhole) {
  Server server(https_server({"--ec", "--idle-timeout", "1"}));
  for (const auto& [beginning, drip] : {std::pair{"", "\r\n"}, std::pair{"GET / HTTP/1.1\r\nName: ", "x"}}) {
    TlsClient client(server.port());
    ASSERT_TRUE(client.handshake() && client.send(beginning + std::string(drip)));
    int drips = 0;
    while (drips < 100 && client.send(drip)) {
      usleep(200 * 1000);
      ++drips;
    }
    EXPECT_LT(drips, 100) << beginning;
  }
  EXPECT_EQ(server.stop(), 0);
}

// It is over when its close_notify has been sent, and no sooner: what comes then is thrown away, and answered by no reset.
TEST(HttpsServerTime, WhatComesAfterAnIdleConnectionsEndIsThrownAway) {
  Server server(https_server({"--ec", "--idle-timeout", "1"}));
  TlsClient client(server.port());
  ASSERT_TRUE(client.handshake());
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(client.closed_in_order());
  EXPECT_TRUE(client.send_raw("too"));
  server.get("/bytes/1");  // by now a reset would be here
  EXPECT_TRUE(client.send_raw("late"));
  client.end_raw_output();
  EXPECT_EQ(client.read_raw(), "");
  EXPECT_EQ(server.stop(), 0);
}

TEST(HttpsServerTime, AReaderThatStopsIsClosed) {
  Server server(https_server({"--ec", "--idle-timeout", "1"}));
  TlsClient client(server.port());
  ASSERT_TRUE(client.handshake());
  client.send(get("/bytes/1000000000"));
  EXPECT_TRUE(server.wait_for_metric("openssl_event_connections_open", 1));
  EXPECT_EQ(server.stop(), 0);
}

TEST(HttpsServerLimits, ASlowReaderCostsNoMemory) {
  Server server(https_server({"--ec"}));
  server.get("/bytes/10000000");
  const long before = server.resident_kib();
  TlsClient client(server.port());
  ASSERT_TRUE(client.handshake());
  client.send(get("/bytes/4000000000"));
  client.read_some();
  for (int i = 0; i < 20; ++i) server.get("/bytes/1");
  EXPECT_LT(server.resident_kib() - before, 64 * 1024);
  client.vanish(true);
  EXPECT_EQ(server.stop(), 0);
}

TEST(HttpsServerLimits, AFullQueueMeansSigningInPlace) {
  Server server(https_server({"--rsa-bits", "4096", "--workers", "1", "--queue", "1"}));
  std::vector<std::unique_ptr<TlsClient>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<TlsClient>(server.port()));
    clients.back()->send_raw(clients.back()->client_hello());
  }
  EXPECT_GT(server.metric(R"(openssl_event_engine_calls_total{operation="sign",executed="inline"})"), 0);
  EXPECT_GT(server.metric("openssl_event_workers_refused_total"), 0);
  clients.clear();
  EXPECT_EQ(server.stop(), 0);
}

TEST(HttpsServerLimits, WithoutDescriptorsNewConnectionsWait) {
  Server server({"bash", "-c", "ulimit -n 24; exec " + https_server_program() + " --port 0 --ec --workers 1"});
  std::vector<std::unique_ptr<TlsClient>> clients;
  for (int i = 0; i < 30; ++i) clients.push_back(std::make_unique<TlsClient>(server.port()));
  TlsClient& first = *clients.front();
  ASSERT_TRUE(first.handshake()) << "those that are there are served";
  clients.erase(clients.begin(), clients.end() - 1);
  ASSERT_TRUE(clients.back()->handshake()) << "those that waited are served when others have gone";
  clients.clear();
  EXPECT_EQ(server.stop(), 0);
  EXPECT_TRUE(contains(server.process().errors(), "Too many open files")) << server.process().errors();
}

TEST(HttpsServerTrace, NamesTheThreadThatExecutedACall) {
  Server server(https_server({"--ec", "--workers", "1", "--trace"}));
  server.get("/");
  EXPECT_EQ(server.stop(), 0);
  const std::string& trace = server.process().output();
  for (const char* part : {"put  RECORD_IN ", "get  ENGINE_CALL_OUT SIGN (", ", done by tls-worker-0 (thread ", "get  CLEARTEXT_OUT ",
                           "put  CLEARTEXT_IN ", "get  RECORD_OUT ", "STATUS_OUT HANDSHAKE_DONE"})
    EXPECT_TRUE(contains(trace, part)) << part << " is missing in:\n" << trace;
}

}  // namespace
