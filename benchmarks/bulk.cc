// Application data: from the application's memory to records in memory that can be sent, and back. How records get from
// one end to the other is on neither bill. Batches of about 200 KiB stay in the processor's cache.
#include <algorithm>

#include "benchmarks/groups.h"
#include "benchmarks/support/peers.h"

namespace benchmarks {
namespace {

constexpr std::size_t kBatch = 200 * 1024;
// Records that are made, or taken, in one go between two looks at the clock: the machine's window, and so short that few
// are interrupted. A sample is the time of a go, per record.
constexpr int kGo = 16;

struct Load {
  std::size_t size;  // of the cleartext of a record
  int records;       // of a batch
};

// The other end, the same plain libssl for all.
struct Pair {
  PlainPeer client;
  PlainPeer plain;
  Pair(SSL_CTX* client_side, SSL_CTX* server_side) : client(client_side), plain(server_side, true) { connect(client, plain); }
};
struct MachinePair {
  PlainPeer client;
  Machine machine;
  MachinePair(SSL_CTX* client_side, SSL_CTX* server_side) : client(client_side), machine(server_side) {
    connect(client, machine);
  }
};

// ---- Sending: each leaves a batch on `wire` ----

// Of a time in which the clock was looked at so many times for a beginning and an end.
double per_record(std::int64_t time, int looks, int records) {
  return static_cast<double>(time - looks * clock_cost()) / records;
}

[[gnu::noinline]] void send_plain(PlainPeer& peer, const char* data, const Load& load, Wire& wire, Samples& samples) {
  for (int left = load.records; left > 0; left -= kGo) {
    const int count = std::min(left, kGo);
    const std::int64_t begin = wall_now();
    for (int i = 0; i < count; ++i) {
      SSL_write(peer.ssl(), data, static_cast<int>(load.size));
      wire.len += static_cast<std::size_t>(BIO_read(peer.out(), wire.end(), static_cast<int>(wire.room())));
    }
    samples.add(per_record(wall_now() - begin, 1, count));
  }
}

[[gnu::noinline]] void send_machine(openssl_t* tls, char* data, const Load& load, Wire& wire, Samples& samples) {
  for (int left = load.records; left > 0; left -= kGo) {
    OPENSSL_EVENT* records[kGo];
    int count = 0;
    const std::int64_t begin = wall_now();
    for (int i = 0; i < std::min(left, kGo); ++i) {
      openssl_putEvent(tls, openssl_wrapCleartextInEvent(data, load.size, nullptr, nullptr));
      while (OPENSSL_EVENT* e = openssl_getEvent(tls)) {
        if (e->kind == OPENSSL_RECORD_OUT_KIND)
          records[count++] = e;
        else
          openssl_freeEvent(e);
      }
    }
    const std::int64_t made = wall_now() - begin;
    for (int i = 0; i < count; ++i) wire.append(records[i]->r.buf, static_cast<std::size_t>(records[i]->r.len));
    const std::int64_t sent = wall_now();
    for (int i = 0; i < count; ++i) openssl_putEvent(tls, records[i]);
    samples.add(per_record(made + wall_now() - sent, 2, count));
  }
}

// ---- Receiving: each takes the batch that is on `wire` ----

std::size_t record_length(const char* record) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(record);
  return OPENSSL_RECORD_HEADER_SIZE + static_cast<std::size_t>(bytes[3] << 8 | bytes[4]);
}

[[gnu::noinline]] void receive_plain(PlainPeer& peer, char* data, const Wire& wire, Samples& samples) {
  const char* const end = wire.bytes.data() + wire.len;
  for (const char* from = wire.bytes.data(); from != end;) {
    int count = 0;
    const std::int64_t begin = wall_now();
    for (; count < kGo && from != end; ++count) {
      const std::size_t len = record_length(from);
      BIO_write(peer.in(), from, static_cast<int>(len));
      require(SSL_read(peer.ssl(), data, OPENSSL_MAX_PLAINTEXT) > 0, "SSL_read");
      from += len;
    }
    samples.add(per_record(wall_now() - begin, 1, count));
  }
}

// Takes a RECORD_IN to its end: the cleartext is read where it is.
std::size_t take_record(openssl_t* tls, OPENSSL_EVENT* record) {
  std::size_t len = 0;
  openssl_putEvent(tls, record);
  while (OPENSSL_EVENT* e = openssl_getEvent(tls)) {
    if (e->kind == OPENSSL_CLEARTEXT_OUT_KIND) {
      len += static_cast<std::size_t>(e->c.len);
      openssl_putEvent(tls, e);
    } else {
      openssl_freeEvent(e);
    }
  }
  return len;
}

// The network reads into the machine's space as many of up to kGo whole records as there is room for.
[[gnu::noinline]] void receive_machine(openssl_t* tls, const Wire& wire, std::size_t expected, Samples& samples) {
  const char* const end = wire.bytes.data() + wire.len;
  std::size_t cleartext = 0;
  for (const char* from = wire.bytes.data(); from != end;) {
    const std::int64_t begin = wall_now();
    std::size_t room = 0, len = 0;
    char* space = openssl_inputSpace(tls, &room);
    const std::int64_t asked = wall_now() - begin;
    int count = 0;
    for (; count < kGo && from + len != end && len + record_length(from + len) <= room; ++count)
      len += record_length(from + len);
    std::memcpy(space, from, len);
    from += len;
    const std::int64_t arrived = wall_now();
    openssl_inputFilled(tls, len);
    while (OPENSSL_EVENT* record = openssl_nextFrame(tls)) cleartext += take_record(tls, record);
    samples.add(per_record(asked + wall_now() - arrived, 2, count));
  }
  require(cleartext == expected, "receiving all of it");
}

struct Times {
  Samples plain_send, machine_send, plain_receive, machine_receive;
  double send_ratio() const { return machine_send.median() / plain_send.median(); }
  double receive_ratio() const { return machine_receive.median() / plain_receive.median(); }
};

// One batch of each, beginning with another one each time.
class Bulk {
 public:
  Bulk(SSL_CTX* client_side, SSL_CTX* plain_side, SSL_CTX* machine_side, std::size_t size)
      : load_{size, static_cast<int>(kBatch / size)}, pair_(client_side, plain_side), machine_pair_(client_side, machine_side) {}

  void round(int number, Times& times) {
    for (int i = 0; i < 4; ++i) {
      switch ((number + i) % 4) {
        case 0: send_plainly(times); break;
        case 1: send_by_machine(times); break;
        case 2: receive_plainly(times); break;
        case 3: receive_by_machine(times); break;
      }
      wire_.clear();
    }
  }

 private:
  std::size_t batch() const { return load_.size * static_cast<std::size_t>(load_.records); }

  void send_plainly(Times& times) {
    send_plain(pair_.plain, data_.data(), load_, wire_, times.plain_send);
    require(pair_.client.read(wire_) == batch(), "sending all of it");
  }
  void send_by_machine(Times& times) {
    send_machine(machine_pair_.machine.get(), data_.data(), load_, wire_, times.machine_send);
    require(machine_pair_.client.read(wire_) == batch(), "sending all of it");
  }
  void receive_plainly(Times& times) {
    for (int i = 0; i < load_.records; ++i) pair_.client.write(data_.data(), load_.size, wire_);
    receive_plain(pair_.plain, received_.data(), wire_, times.plain_receive);
  }
  void receive_by_machine(Times& times) {
    for (int i = 0; i < load_.records; ++i) machine_pair_.client.write(data_.data(), load_.size, wire_);
    receive_machine(machine_pair_.machine.get(), wire_, batch(), times.machine_receive);
  }

  Load load_;
  Pair pair_;
  MachinePair machine_pair_;
  std::vector<char> data_ = std::vector<char>(OPENSSL_MAX_PLAINTEXT, 'x');
  std::vector<char> received_ = std::vector<char>(OPENSSL_MAX_PLAINTEXT);
  Wire wire_{2 * kBatch};
};

// Of a context as openssl_prepareContext leaves it, so on the record path; and of one that was not prepared.
enum class Way { record_path, libssl };

struct Case {
  const char* figure;
  const char* name;
  int version;
  std::size_t size;
  Way way;
  int rounds;
};

constexpr Case kCases[] = {
    {"bulk_16k_ratio", "TLS 1.3, 16384 bytes", TLS1_3_VERSION, OPENSSL_MAX_PLAINTEXT, Way::record_path, 3000},
    {"bulk_100b_ratio", "TLS 1.3, 100 bytes", TLS1_3_VERSION, 100, Way::record_path, 300},
    {"bulk_16k_libssl_ratio", "the same by libssl, 16384 bytes", TLS1_3_VERSION, OPENSSL_MAX_PLAINTEXT, Way::libssl, 3000},
    {"bulk_100b_libssl_ratio", "the same by libssl, 100 bytes", TLS1_3_VERSION, 100, Way::libssl, 300},
    {"bulk_16k_tls12_ratio", "TLS 1.2 by libssl, 16384 bytes", TLS1_2_VERSION, OPENSSL_MAX_PLAINTEXT, Way::libssl, 3000},
    {"bulk_100b_tls12_ratio", "TLS 1.2 by libssl, 100 bytes", TLS1_2_VERSION, 100, Way::libssl, 300},
};

void run_case(Report& report, const Case& what, SSL_CTX* plain_side, SSL_CTX* prepared_side, int rounds) {
  const Context client_side = client_context(what.version);
  Bulk bulk(client_side.get(), plain_side, what.way == Way::record_path ? prepared_side : plain_side, what.size);
  Times times;
  {
    Progress progress(what.figure, rounds);
    for (int i = 0; i < rounds; ++i, progress.step()) bulk.round(i, times);
  }
  const auto row = [&](const char* direction, const Samples& plain, const Samples& machine, double ratio) {
    report.row({std::string(what.name) + ", " + direction, number(plain.median(), 0), number(machine.median(), 0),
                number(ratio, 3)});
  };
  row("send", times.plain_send, times.machine_send, times.send_ratio());
  row("receive", times.plain_receive, times.machine_receive, times.receive_ratio());
  report.figure(what.figure, std::max(times.send_ratio(), times.receive_ratio()));
}

}  // namespace

void run_bulk(Report& report, const Settings& settings) {
  const Credentials credentials = make_credentials(KeyKind::p256);
  const Context plain_side = server_context(credentials, credentials.key.get());
  const Context prepared_side = server_context(credentials, credentials.key.get());
  require(openssl_prepareContext(prepared_side.get()), "openssl_prepareContext");
  report.title("Application data, AES-128-GCM, p50, nanoseconds a record");
  report.row({"", "libssl", "machine", "ratio"});
  for (const Case& what : kCases)
    if (settings.wants(what.figure))
      run_case(report, what, plain_side.get(), prepared_side.get(), settings.rounds(what.rounds, 4));
}

}  // namespace benchmarks
