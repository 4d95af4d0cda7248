// A session store that takes 50 ms: what it costs the network thread if it is asked by LOOKUP events, beside a store
// that answers at once, and beside libssl, whose callback must wait for it.
#include <unistd.h>

#include <cstring>
#include <deque>
#include <list>
#include <memory>
#include <string>

#include "benchmarks/support/peers.h"
#include "benchmarks/support/report.h"

namespace benchmarks {
namespace {

constexpr std::int64_t kStoreTakes = 50'000'000;  // nanoseconds
// Connections at a time: more than come to wait within the store's time, so that the thread always has work.
constexpr std::size_t kConnections = 256;

SSL_SESSION* stored;  // the one session that there is

// The server's context, with a store beside OpenSSL's, which is off.
Context store_context(const Credentials& credentials) {
  Context context = server_context(credentials, credentials.key.get());
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context.get(), 1);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_set_session_id_context(context.get(), reinterpret_cast<const unsigned char*>("bench"), 5);
  return context;
}

SSL_SESSION* give_stored(SSL*, const unsigned char*, int, int* copy) {
  *copy = 1;
  return stored;
}

SSL_SESSION* give_stored_late(SSL* ssl, const unsigned char* id, int size, int* copy) {
  usleep(static_cast<useconds_t>(kStoreTakes / 1000));
  return give_stored(ssl, id, size, copy);
}

int keep_session(SSL*, SSL_SESSION* session) {
  if (stored) return 0;
  stored = session;
  return 1;
}

// Makes the session that all handshakes resume; returns the client's side of it.
SSL_SESSION* make_session(const Credentials& credentials, SSL_CTX* client_side) {
  const Context server_side = store_context(credentials);
  SSL_CTX_sess_set_new_cb(server_side.get(), keep_session);
  PlainPeer client(client_side), server(server_side.get(), true);
  connect(client, server);
  SSL_SESSION* session = SSL_get1_session(client.ssl());
  SSL_set_shutdown(client.ssl(), SSL_SENT_SHUTDOWN);
  SSL_set_shutdown(server.ssl(), SSL_SENT_SHUTDOWN);
  require(stored && SSL_SESSION_is_resumable(session), "making a session");
  return session;
}

struct Connection {
  Connection(SSL_CTX* client_side, SSL_CTX* server_side, SSL_SESSION* session)
      : client(client_side), server(server_side) {
    require(SSL_set_session(client.ssl(), session), "SSL_set_session");
  }
  PlainPeer client;
  Machine server;
  Wire there{4096}, back{8192};
  LongestCall call;  // of the server
};

// Many clients at once, served by one thread, a flight of one client's after another's; and the store that answers.
class Storm {
 public:
  Storm(SSL_CTX* client_side, SSL_CTX* server_side, SSL_SESSION* session, std::int64_t store_takes)
      : client_side_(client_side), server_side_(server_side), session_(session), store_takes_(store_takes) {}

  // Handshakes a second, once as many as are open at a time have passed, while new ones always follow.
  double rate(int handshakes) {
    run_until(static_cast<int>(kConnections));
    const int before = finished_;
    const std::int64_t begin = wall_now();
    run_until(before + handshakes);
    return (finished_ - before) * 1e9 / static_cast<double>(wall_now() - begin);
  }

  Samples longest;

 private:
  using Place = std::list<Connection>::iterator;
  struct Question {
    std::int64_t due;
    OPENSSL_EVENT* event;
    Place asked_by;
  };

  void run_until(int finished) {
    while (finished_ < finished) {
      while (open_.size() < kConnections) {
        open_.emplace_back(client_side_, server_side_, session_);
        ready_.push_back(std::prev(open_.end()));
      }
      answer_due();
      if (ready_.empty()) continue;
      const Place place = ready_.front();
      ready_.pop_front();
      serve(place);
    }
  }

  void answer(const Question& question) {
    question.asked_by->call([&] { return openssl_answerSession(question.event, stored); });
    question.asked_by->call([&] { return openssl_returnEvent(question.event); });
  }

  void answer_due() {
    while (!asked_.empty() && asked_.front().due <= wall_now()) {
      answer(asked_.front());
      ready_.push_back(asked_.front().asked_by);
      asked_.pop_front();
    }
  }

  // A flight of the client's, if it has not got to wait, and what the server makes of it.
  void serve(Place place) {
    Connection& c = *place;
    bool waits = false;
    const auto ask = [&](OPENSSL_EVENT* e) {
      waits = store_takes_ > 0;
      const Question question = {wall_now() + store_takes_, e, place};
      waits ? asked_.push_back(question) : answer(question);
    };
    c.server.pump(c.back, ask, c.call);
    c.client.handshake(c.back, c.there);
    c.server.handshake(c.there, c.back, ask, c.call);
    if (waits) return;
    if (!c.client.done() || !c.server.done()) return ready_.push_back(place);
    finish(place);
  }

  void finish(Place place) {
    require(SSL_session_reused(place->client.ssl()), "resuming");
    ++finished_;
    longest.add(place->call.longest);
    SSL_set_shutdown(place->client.ssl(), SSL_SENT_SHUTDOWN);
    SSL_set_shutdown(openssl_ssl(place->server.get()), SSL_SENT_SHUTDOWN);
    open_.erase(place);
  }

  SSL_CTX* client_side_;
  SSL_CTX* server_side_;
  SSL_SESSION* session_;
  const std::int64_t store_takes_;
  int finished_ = 0;
  std::list<Connection> open_;
  std::deque<Place> ready_;     // something has come for them
  std::deque<Question> asked_;  // in the order in which they are due
};

void end(Samples& into, const Samples& from) { into.add(from.median()); }

// libssl, whose callback waits.
double plain_rate(SSL_CTX* client_side, SSL_CTX* server_side, SSL_SESSION* session, int handshakes) {
  const std::int64_t begin = wall_now();
  for (int i = 0; i < handshakes; ++i) {
    PlainPeer client(client_side), server(server_side, true);
    SSL_set_session(client.ssl(), session);
    connect(client, server);
    SSL_set_shutdown(client.ssl(), SSL_SENT_SHUTDOWN);
    SSL_set_shutdown(server.ssl(), SSL_SENT_SHUTDOWN);
  }
  return handshakes * 1e9 / static_cast<double>(wall_now() - begin);
}

// The server's part of a handshake whose session comes at once, in the thread's CPU time.
std::int64_t server_time(SSL_CTX* client_side, SSL_CTX* server_side, SSL_SESSION* session) {
  Connection c(client_side, server_side, session);
  const auto answer = [](OPENSSL_EVENT* e) {
    openssl_answerSession(e, stored);
    openssl_returnEvent(e);
  };
  std::int64_t sum = 0;
  while (!c.client.done() || !c.server.done()) {
    c.client.handshake(c.back, c.there);
    const std::int64_t begin = now();
    c.server.handshake(c.there, c.back, answer);
    sum += now() - begin;
  }
  SSL_set_shutdown(c.client.ssl(), SSL_SENT_SHUTDOWN);
  SSL_set_shutdown(openssl_ssl(c.server.get()), SSL_SENT_SHUTDOWN);
  return sum;
}

void print_figure(const char* name, double value) { std::printf("FIGURE %s %.6g\n", name, value); }

void run(const Settings& settings) {
  const Credentials credentials = make_credentials(KeyKind::p256);
  const Context client_side = client_context();
  SSL_SESSION* session = make_session(credentials, client_side.get());
  const Context asked = store_context(credentials), called = store_context(credentials),
                waits = store_context(credentials);
  require(openssl_setLookups(asked.get(), OPENSSL_LOOKUP_SESSION), "openssl_setLookups");
  SSL_CTX_sess_set_get_cb(called.get(), give_stored);
  SSL_CTX_sess_set_get_cb(waits.get(), give_stored_late);

  Samples instant_rate, slow_rate, rate_ratio, instant_call, slow_call, plain;
  const int rounds = settings.rounds(15, 1), handshakes = settings.rounds(2000, 50);
  for (int i = 0; i < rounds; ++i) {
    Storm instant(client_side.get(), asked.get(), session, 0),
        slow(client_side.get(), asked.get(), session, kStoreTakes);
    const double at_once = instant.rate(handshakes), late = slow.rate(handshakes);
    instant_rate.add(at_once);
    slow_rate.add(late);
    rate_ratio.add(late / at_once);
    end(instant_call, instant.longest);
    end(slow_call, slow.longest);
    plain.add(plain_rate(client_side.get(), waits.get(), session, settings.rounds(10, 2)));
  }
  Samples callback, lookup, difference;
  for (int i = 0; i < settings.rounds(5000, 10); ++i) {
    const std::int64_t a = server_time(client_side.get(), called.get(), session),
                       b = server_time(client_side.get(), asked.get(), session);
    callback.add(a);
    lookup.add(b);
    difference.add(b - a);
  }

  Report report(stdout);
  report.title("Resumed TLS 1.3 handshakes, client and server on one thread, p50");
  report.row({"session store", "handshakes/s", "longest call us"});
  report.row({"at once", number(instant_rate.median()), number(instant_call.median() / 1e3)});
  report.row({"after 50 ms, by LOOKUP", number(slow_rate.median()), number(slow_call.median() / 1e3)});
  report.row({"after 50 ms, libssl waits in its callback", number(plain.median())});
  report.title("Server's part, session at once, p50, microseconds of CPU");
  report.row({"by callback", number(callback.median() / 1e3, 2)});
  report.row({"by LOOKUP", number(lookup.median() / 1e3, 2)});
  std::printf("\n");
  print_figure("slow_store_rate_ratio", rate_ratio.median());
  print_figure("slow_store_longest_call_ratio", slow_call.median() / instant_call.median());
  print_figure("lookup_suspension_us", difference.median() / 1e3);
  print_figure("slow_store_plain_rate_ratio", plain.median() / instant_rate.median());
  SSL_SESSION_free(session);
  SSL_SESSION_free(stored);
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
  benchmarks::Settings settings;
  settings.quick = argc > 1 && std::strcmp(argv[1], "--quick") == 0;
  if (argc > 1 + settings.quick) {
    std::fprintf(stderr,
                 "usage: lookups [--quick]\n  --quick  a few rounds: shows that everything runs, measures nothing\n");
    return 2;
  }
#ifndef NDEBUG
  std::printf("Built with checks: use --config=opt to measure.\n");
#endif
  benchmarks::run(settings);
  return 0;
}
