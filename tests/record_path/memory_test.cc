// After a connection has been freed, none of the copies of its keys that the record path had are left in the process.
#include <cstdio>
#include <cstring>
#include <vector>

#include "openssl_event/key_capture.h"
#include "openssl_event/record_keys.h"
#include "tests/record_path/path_fixture.h"

namespace openssl_event::testing {
namespace {

struct Mapping {
  const char* begin;
  const char* end;
};

// What the process can write: heap, stacks, data.
std::vector<Mapping> writable_mappings() {
  std::vector<Mapping> mappings;
  std::FILE* maps = std::fopen("/proc/self/maps", "r");
  char line[512];
  while (std::fgets(line, sizeof line, maps)) {
    unsigned long begin = 0, end = 0;
    char rights[8] = "";
    if (std::sscanf(line, "%lx-%lx %7s", &begin, &end, rights) != 3 || std::strncmp(rights, "rw", 2) != 0) continue;
    if (std::strstr(line, "[v")) continue;
    mappings.push_back({reinterpret_cast<const char*>(begin), reinterpret_cast<const char*>(end)});
  }
  std::fclose(maps);
  return mappings;
}

// A secret that must not be found because we look for it: kept inverted.
class Sought {
 public:
  Sought(const unsigned char* bytes, std::size_t size) : inverted_(bytes, bytes + size) {
    for (unsigned char& byte : inverted_) byte = static_cast<unsigned char>(~byte);
  }
  int copies() const {
    int found = 0;
    for (const Mapping& mapping : writable_mappings())
      for (const char* at = mapping.begin; at + inverted_.size() <= mapping.end; ++at) found += is_at(at);
    return found;
  }

 private:
  [[gnu::no_sanitize("address")]] bool is_at(const char* at) const {
    for (std::size_t i = 0; i < inverted_.size(); ++i)
      if (static_cast<unsigned char>(at[i]) != static_cast<unsigned char>(~inverted_[i])) return false;
    return true;
  }
  std::vector<unsigned char> inverted_;
};

// Takes the secrets of the peer's end, which are the machine's, as they are and as the key log shows them.
class Secrets final : public KeyListener {
 public:
  void traffic_secret(bool of_server, const unsigned char* secret, std::size_t size) noexcept override {
    TrafficSecret& place = of_server ? server : client;
    std::memcpy(place.bytes, secret, size);
    place.size = size;
    noted.emplace_back(secret, size);
    std::vector<unsigned char> hex;
    hex.reserve(2 * size);
    for (std::size_t i = 0; i < size; ++i)
      for (const int digit : {secret[i] >> 4, secret[i] & 15})
        hex.push_back(static_cast<unsigned char>("0123456789abcdef"[digit]));
    noted.emplace_back(hex.data(), hex.size());
    OPENSSL_cleanse(hex.data(), hex.size());
  }
  TrafficSecret client, server;
  std::vector<Sought> noted;
};

class MemoryTest : public PathTest {
 protected:
  MemoryTest() { EXPECT_EQ(openssl_prepareContext(peer_context()), 1); }

  // The keys of both directions as they are now.
  void note_keys(std::vector<Sought>& sought, const TrafficSecret& client, const TrafficSecret& server) {
    RecordSuite suite;
    ASSERT_TRUE(find_suite(peer->ssl(), suite));
    for (const bool of_server : {false, true}) {
      RecordKey key;
      ASSERT_TRUE(suite.tls13 ? derive_key(suite, of_server ? server : client, key)
                              : derive_key(suite, peer->ssl(), of_server, key));
      sought.emplace_back(key.key, suite.key_size);
    }
  }
  template <class Other>
  std::vector<Sought> live_and_die(std::unique_ptr<Other>& other, const std::function<void()>& update);
};

// One connection from its beginning to its end, between `other` and the peer; what was secret in it.
template <class Other>
std::vector<Sought> MemoryTest::live_and_die(std::unique_ptr<Other>& other, const std::function<void()>& update) {
  std::vector<Sought> sought;
  Secrets secrets;
  EXPECT_TRUE(listen_to_keys(peer->ssl(), &secrets));
  carry(*other, *peer);
  const auto talk = [&] {
    other->send(pattern(30000));
    peer->send(pattern(30000));
    carry(*other, *peer);
    note_keys(sought, secrets.client, secrets.server);
  };
  talk();
  sought.insert(sought.end(), secrets.noted.begin(), secrets.noted.end());
  if (tls13()) {
    update();
    talk();
  }
  EXPECT_EQ(other->received(), pattern(30000) + (tls13() ? pattern(30000) : ""));
  other->close_output();
  peer->close_output();
  carry(*other, *peer);
  listen_to_keys(peer->ssl(), nullptr);
  other.reset();
  peer.reset();
  return sought;
}

// libssl itself leaves a copy or two of some secrets.
TEST_P(MemoryTest, NoMoreIsLeftOfAConnectionThanPlainLibsslLeaves) {
  make();
  auto plain = machine_is_server ? pair.plain_server() : pair.plain_client();
  const auto of_plain = live_and_die(plain, [&] { SSL_key_update(plain->ssl(), SSL_KEY_UPDATE_REQUESTED); });
  std::vector<int> left_by_plain;
  for (const Sought& secret : of_plain) left_by_plain.push_back(secret.copies());
  make();
  const auto of_machine = live_and_die(machine, [&] { openssl_updateKey(machine->tls(), 1); });
  ASSERT_EQ(of_machine.size(), of_plain.size());
  ASSERT_GE(of_machine.size(), tls13() ? 8u : 2u);
  for (std::size_t i = 0; i < of_machine.size(); ++i)
    EXPECT_LE(of_machine[i].copies(), left_by_plain[i]) << "secret " << i;
}

TEST_P(MemoryTest, TheSearchFindsWhatIsThere) {
  make();
  Secrets secrets;
  ASSERT_TRUE(listen_to_keys(peer->ssl(), &secrets));
  carry(*machine, *peer);
  exchange("x", "y");
  std::vector<Sought> keys;
  note_keys(keys, secrets.client, secrets.server);
  for (const Sought& key : keys) EXPECT_GT(key.copies(), 0);
  listen_to_keys(peer->ssl(), nullptr);
}

FOR_ALL_VARIANTS(MemoryTest);

}  // namespace
}  // namespace openssl_event::testing
