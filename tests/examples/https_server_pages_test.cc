// What the server answers, to curl and to a client that sends requests in its own way.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>

#include "tests/examples/server.h"
#include "tests/examples/tls_client.h"

namespace {

struct HttpsServerPages : testing::Test {
  Server server{https_server({"--ec", "--workers", "2"})};
  ~HttpsServerPages() override { EXPECT_EQ(server.stop(), 0) << server.process().errors(); }

  std::string ask(const std::string& request) {
    TlsClient client(server.port());
    EXPECT_TRUE(client.handshake());
    EXPECT_TRUE(client.send(request));
    return client.read_answer();
  }

  // All that comes until it closes, in order.
  std::string ask_all(const std::string& requests) {
    TlsClient client(server.port());
    EXPECT_TRUE(client.handshake());
    EXPECT_TRUE(client.send(requests));
    const std::string all = client.read_all();
    EXPECT_TRUE(client.closed_in_order());
    return all;
  }
};

std::string body_of(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

TEST_F(HttpsServerPages, FrontPageSaysWhatWasNegotiated) {
  const std::string page = server.get("/");
  for (const char* part : {"<!DOCTYPE html>", "TLSv1.3", "TLS_AES_256_GCM_SHA384", "x25519", "http/1.1", "executed by tls-worker-",
                           "DIRECT"})
    EXPECT_TRUE(contains(page, part)) << part << " is missing in:\n" << page;
}

TEST_F(HttpsServerPages, BytesAreExactlyAsManyAsAsked) {
  for (const std::size_t size : {0u, 1u, 100u, 16000u, 16384u, 16385u, 65536u, 1000000u, 10000000u})
    EXPECT_EQ(server.get("/bytes/" + std::to_string(size)).size(), size);
}

TEST_F(HttpsServerPages, UnknownPathsAre404) {
  for (const char* path : {"/nothing", "/bytes/", "/bytes/x", "/bytes/-1", "/bytes/99999999999999999999", "/quit"})
    EXPECT_EQ(run(curl({"-o", "/dev/null", "-w", "%{http_code}", server.url(path)})).output, "404") << path;
}

TEST_F(HttpsServerPages, OtherMethodsAre405) {
  const Result result = run(curl({"-i", "-d", "some data", server.url("/")}));
  EXPECT_TRUE(contains(result.output, "HTTP/1.1 405 ")) << result.output;
  EXPECT_TRUE(contains(result.output, "Allow: GET, HEAD\r\n"));
}

TEST_F(HttpsServerPages, UnknownMethodsAre501) {
  EXPECT_EQ(run(curl({"-X", "BREW", "-o", "/dev/null", "-w", "%{http_code}", server.url("/")})).output, "501");
}

// Its next request is found behind the body, however that is framed.
TEST_F(HttpsServerPages, ABodyIsSkipped) {
  TlsClient client(server.port());
  ASSERT_TRUE(client.handshake());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
              "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n" +
              get("/bytes/3"));
  for (const int status : {405, 405, 200})
    EXPECT_EQ(client.read_answer().rfind("HTTP/1.1 " + std::to_string(status), 0), 0u) << status;
}

TEST_F(HttpsServerPages, ARequestIsAnsweredOnceWhateverItsBody) {
  const std::string answer = ask_all("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n" + get("/bytes/3"));
  EXPECT_EQ(answer.rfind("HTTP/1.1 405 ", 0), 0u) << answer;
  EXPECT_EQ(answer.find("HTTP/", 1), answer.npos) << answer;
}

// It may be sent or not: what follows cannot be told from it (RFC 9110 10.1.1).
TEST_F(HttpsServerPages, ABodyThatAsksFirstIsNotWaitedFor) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";
  for (const std::string& body : {std::string(), std::string("body")}) {
    const std::string answer = ask_all(head + body + get("/bytes/3"));
    EXPECT_TRUE(contains(answer, "HTTP/1.1 405 ") && contains(answer, "Connection: close\r\n")) << answer;
    EXPECT_EQ(answer.find("HTTP/", 1), answer.npos) << answer;
  }
}

TEST_F(HttpsServerPages, Http10ClientsAreToldThatTheConnectionStays) {
  TlsClient client(server.port());
  ASSERT_TRUE(client.handshake());
  for (int i = 0; i < 2; ++i) {
    client.send("GET /bytes/3 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_TRUE(contains(client.read_answer(), "Connection: keep-alive\r\n"));
  }
  EXPECT_EQ(run(curl({"--http1.0", server.url("/bytes/3")})).output.size(), 3u) << "by ALPN too";
}

TEST_F(HttpsServerPages, EncodedPathsAreTheSamePaths) { EXPECT_EQ(server.get("/%62ytes%2f7").size(), 7u); }

TEST_F(HttpsServerPages, HeadHasTheLengthAndNoBody) {
  TlsClient client(server.port());
  ASSERT_TRUE(client.handshake());
  client.send("HEAD /bytes/12345 HTTP/1.1\r\nHost: a\r\n\r\n" + get("/bytes/3"));
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_TRUE(contains(head, "Content-Length: 12345\r\n")) << head;
  EXPECT_EQ(body_of(client.read_answer()).size(), 3u);
}

TEST_F(HttpsServerPages, CurlKeepsItsConnection) {
  const Result result = run(curl({"-o", "/dev/null", "-o", "/dev/null", "-o", "/dev/null", "-w", "%{num_connects} ",
                                  server.url("/"), server.url("/bytes/100000"), server.url("/nothing")}));
  EXPECT_EQ(result.output, "1 0 0 ");
}

TEST_F(HttpsServerPages, ClosesInOrderWhenAskedTo) {
  TlsClient client(server.port());
  ASSERT_TRUE(client.handshake());
  client.send("GET /bytes/5 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + get("/bytes/6"));
  const std::string all = client.read_all();
  EXPECT_TRUE(contains(all, "Connection: close\r\n"));
  EXPECT_EQ(body_of(all).size(), 5u) << "what follows a close must not be answered";
  EXPECT_TRUE(client.closed_in_order());
}

TEST_F(HttpsServerPages, PipelinedRequestsAreAnsweredInOrder) {
  TlsClient client(server.port());
  ASSERT_TRUE(client.handshake());
  std::string requests;
  for (int i = 0; i < 200; ++i) requests += get("/bytes/" + std::to_string(i * 300));
  ASSERT_TRUE(client.send(requests));
  for (std::size_t i = 0; i < 200; ++i) ASSERT_EQ(body_of(client.read_answer()).size(), i * 300);
}

TEST_F(HttpsServerPages, ARequestMayComeByteByByte) {
  TlsClient client(server.port());
  ASSERT_TRUE(client.handshake());
  for (const char c : get("/bytes/7")) ASSERT_TRUE(client.send(std::string(1, c)));
  EXPECT_EQ(body_of(client.read_answer()).size(), 7u);
}

TEST_F(HttpsServerPages, BadRequestsAre400AndClose) {
  for (const char* request :
       {"nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/3\r\n\r\n", "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}) {
    const std::string answer = ask(request);
    EXPECT_EQ(answer.rfind("HTTP/1.1 400 ", 0), 0u) << request << answer;
    EXPECT_TRUE(contains(answer, "Connection: close\r\n"));
  }
}

TEST_F(HttpsServerPages, OversizedHeadersAre431AndTargets414) {
  const std::string fields = ask("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(60000, 'x') + "\r\n\r\n");
  EXPECT_EQ(fields.rfind("HTTP/1.1 431 ", 0), 0u) << fields;
  const std::string target = ask("GET /" + std::string(60000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(target.rfind("HTTP/1.1 414 ", 0), 0u) << target;
}

TEST_F(HttpsServerPages, OtherVersionsAre505) {
  const std::string answer = ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  EXPECT_EQ(answer.rfind("HTTP/1.1 505 ", 0), 0u) << answer;
}

TEST_F(HttpsServerPages, ManyClientsAtOnceGetTheirBytes) {
  std::vector<std::unique_ptr<Process>> clients;
  for (int i = 0; i < 20; ++i)
    clients.push_back(std::make_unique<Process>(curl({server.url("/bytes/300000"), server.url("/bytes/" + std::to_string(i))})));
  for (std::size_t i = 0; i < clients.size(); ++i) {
    EXPECT_EQ(clients[i]->wait(), 0) << clients[i]->errors();
    EXPECT_EQ(clients[i]->output().size(), 300000 + i);
  }
}

TEST_F(HttpsServerPages, MetricsShowSignaturesOnWorkers) {
  for (int i = 0; i < 5; ++i) server.get("/");
  EXPECT_GE(server.metric("openssl_event_handshakes_total"), 6);
  EXPECT_GE(server.metric(R"(openssl_event_engine_calls_total{operation="sign",executed="worker"})"), 6);
  EXPECT_EQ(server.metric(R"(openssl_event_engine_calls_total{operation="sign",executed="inline"})"), 0);
  EXPECT_GE(server.metric(R"(openssl_event_engine_call_run_seconds_count{executed="worker"})"), 6);
  EXPECT_GE(server.metric(R"(openssl_event_engine_call_wait_seconds_bucket{executed="worker",le="+Inf"})"), 6);
  EXPECT_EQ(server.metric("openssl_event_connections_open"), 1);
}

// Every sample belongs to a family that HELP and TYPE have announced.
TEST_F(HttpsServerPages, MetricsAnnounceEveryFamily) {
  const std::string text = server.get("/metrics");
  std::size_t samples = 0;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    if (text[at] == '#') continue;
    std::string name = text.substr(at, text.find_first_of("{ ", at) - at);
    for (const char* suffix : {"_bucket", "_sum", "_count"})
      if (name.ends_with(suffix) && contains(name, "_seconds_")) name.resize(name.rfind(suffix));
    EXPECT_TRUE(contains(text, "# HELP " + name + " ")) << name;
    EXPECT_TRUE(contains(text, "# TYPE " + name + " ")) << name;
    ++samples;
  }
  EXPECT_GT(samples, 50u);
}

TEST_F(HttpsServerPages, MetricsShowTheRecordPath) {
  for (int i = 0; i < 5; ++i) server.get("/");
  EXPECT_GE(server.metric(R"(openssl_event_requests_total{path="DIRECT"})"), 5);
  EXPECT_EQ(server.metric(R"(openssl_event_requests_total{path="LIBSSL"})"), 0);
}

// Its keys cost more than a few answers make up for.
TEST(HttpsServerRecordPathChoice, IsLearntFromWhatClientsDo) {
  Server server(https_server({"--ec"}));
  EXPECT_TRUE(contains(server.get("/"), "DIRECT"));
  for (int i = 0; i < 40; ++i) TlsClient(server.port()).handshake();
  EXPECT_TRUE(server.wait_for_metric("openssl_event_connections_open", 1));  // that which asks
  EXPECT_TRUE(contains(server.get("/"), "LIBSSL: UNPREPARED"));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(server.get("/bytes/5000000").size(), 5000000u);
  EXPECT_TRUE(contains(server.get("/"), "DIRECT"));
  EXPECT_EQ(server.stop(), 0);
}

TEST(HttpsServerRecordPathChoice, BothKindsTakeEachOthersTickets) {
  static const std::string kHttp10 = "GET / HTTP/1.0\r\n\r\n";
  Server server(https_server({"--ec"}));
  const std::string session = std::string(std::getenv("TEST_TMPDIR")) + "/session";
  Command first = s_client(server, {"-ign_eof", "-sess_out", session}), again = s_client(server, {"-ign_eof", "-sess_in", session});
  EXPECT_TRUE(contains(run(first, kHttp10).output, "DIRECT"));
  for (int i = 0; i < 40; ++i) TlsClient(server.port()).handshake();
  EXPECT_TRUE(server.wait_for_metric("openssl_event_connections_open", 1));
  const std::string page = run(again, kHttp10).output;
  EXPECT_TRUE(contains(page, "Reused, TLSv1.3") && contains(page, "UNPREPARED")) << page;
  EXPECT_EQ(server.stop(), 0);
}

TEST(HttpsServerWithoutRecordPath, LeavesDataToLibssl) {
  Server server(https_server({"--ec", "--no-record-path"}));
  EXPECT_TRUE(contains(server.get("/"), "LIBSSL: UNPREPARED"));
  EXPECT_EQ(server.get("/bytes/100000").size(), 100000u);
  EXPECT_GE(server.metric(R"(openssl_event_requests_total{path="LIBSSL"})"), 2);
  EXPECT_EQ(server.metric(R"(openssl_event_requests_total{path="DIRECT"})"), 0);
  EXPECT_EQ(server.stop(), 0);
}

TEST(HttpsServerInPlace, SignsOnTheNetworkThread) {
  Server server(https_server({"--ec", "--workers", "0"}));
  EXPECT_TRUE(contains(server.get("/"), "executed by network thread"));
  EXPECT_EQ(server.metric(R"(openssl_event_engine_calls_total{operation="sign",executed="worker"})"), 0);
  EXPECT_GE(server.metric(R"(openssl_event_engine_calls_total{operation="sign",executed="inline"})"), 2);
  EXPECT_GE(server.metric(R"(openssl_event_engine_call_run_seconds_count{executed="inline"})"), 2);
  EXPECT_EQ(server.stop(), 0);
}

}  // namespace
