// Random traffic between a machine on the record path and plain libssl: data, key updates, windows, both ends' closes,
// cut into random portions. Everything must arrive, in order. FUZZ_CONNECTIONS per variant (the build sets it).
#include <random>

#include "tests/record_path/path_fixture.h"

namespace openssl_event::testing {
namespace {

class FuzzTest : public PathTest {
 protected:
  std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random); }
  bool once_in(std::size_t times) { return below(times) == 0; }

  std::string data() {
    static const std::size_t bounds[] = {4, 100, 1500, 16384, 16386, 60000};
    std::string text(below(bounds[below(6)]) + 1, '\0');
    for (char& c : text) c = static_cast<char>('a' + static_cast<char>(next_byte++ % 26));
    return text;
  }

  // A portion of what is on the way arrives.
  void arrive(End& to, std::string& wire) {
    const std::size_t size = once_in(3) ? wire.size() : below(wire.size() + 1);
    to.receive(std::string_view(wire).substr(0, size));
    wire.erase(0, size);
    if (!once_in(4)) to.work();
  }
  void collect() {
    to_peer += machine->take_output();
    to_machine += peer->take_output();
  }

  void act() {
    switch (below(12)) {
      case 0:
      case 1:
      case 2: {
        const std::string text = data();
        machine->send(text);
        sent_to_peer += text;
        break;
      }
      case 3:
      case 4: {
        const std::string text = data();
        peer->send(text);
        sent_to_machine += text;
        break;
      }
      case 5:
        if (tls13()) openssl_updateKey(machine->tls(), once_in(2));
        break;
      case 6:
        if (tls13() && !SSL_in_init(peer->ssl()) && SSL_get_key_update_type(peer->ssl()) == SSL_KEY_UPDATE_NONE)
          SSL_key_update(peer->ssl(), once_in(2) ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
        break;
      case 7:
        openssl_setRecords(machine->tls(), static_cast<unsigned>(below(4)));
        break;
      case 8:
        if (GetParam().without_ssl && once_in(5)) openssl_releaseSsl(machine->tls());
        if (once_in(4)) openssl_setRecordPath(machine->tls(), static_cast<int>(below(3)));
        break;
      case 9:
        machine->keep_cleartext = once_in(2);
        if (!machine->keep_cleartext) machine->return_all_cleartext();
        break;
      case 10:
        machine->keep_records = once_in(2);
        if (!machine->keep_records) machine->return_records();
        break;
      default:
        break;
    }
    machine->work();
    peer->work();
    collect();
    if (!once_in(3)) arrive(*peer, to_peer);
    if (!once_in(3)) arrive(*machine, to_machine);
    collect();
  }

  // Everything that is on its way arrives.
  void settle() {
    machine->keep_cleartext = machine->keep_records = false;
    for (int quiet = 0; quiet < 3;) {
      machine->return_all_cleartext();
      machine->return_records();
      machine->work();
      peer->work();
      collect();
      quiet = to_peer.empty() && to_machine.empty() ? quiet + 1 : 0;
      peer->receive(to_peer);
      machine->receive(to_machine);
      to_peer.clear();
      to_machine.clear();
    }
  }

  void run(unsigned seed) {
    random.seed(seed);
    next_byte = seed;
    sent_to_machine.clear();
    sent_to_peer.clear();
    make();
    connect();
    for (std::size_t actions = 20 + below(150); actions > 0; --actions) act();
    const bool machine_first = once_in(2);
    machine_first ? machine->close_output() : peer->close_output();
    if (once_in(2)) settle();
    machine_first ? peer->close_output() : machine->close_output();
    settle();
    records += path().sealed + path().opened;
  }

  std::mt19937 random;
  unsigned next_byte = 0;
  unsigned long long records = 0;
  std::string to_peer, to_machine, sent_to_peer, sent_to_machine;
};

TEST_P(FuzzTest, EverythingArrives) {
  for (unsigned seed = 0; seed < FUZZ_CONNECTIONS; ++seed) {
    run(seed);
    ASSERT_FALSE(machine->failed()) << "seed " << seed << ": " << machine->failure()->text;
    ASSERT_FALSE(peer->failed()) << "seed " << seed;
    ASSERT_TRUE(peer->received() == sent_to_peer) << "seed " << seed;
    ASSERT_TRUE(machine->received() == sent_to_machine) << "seed " << seed;
    ASSERT_TRUE(peer->closed_in() && machine->closed_in()) << "seed " << seed;
    ASSERT_EQ(machine->records_put, machine->records_returned) << "seed " << seed;
    ASSERT_EQ(machine->cleartext_put, machine->cleartext_returned) << "seed " << seed;
  }
  EXPECT_GT(records, FUZZ_CONNECTIONS * 10u);
  RecordProperty("records", static_cast<int>(records));
}

FOR_ALL_VARIANTS_AND_WITHOUT_SSL(FuzzTest);

}  // namespace
}  // namespace openssl_event::testing
