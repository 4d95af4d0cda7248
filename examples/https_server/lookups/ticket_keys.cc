#include "examples/https_server/lookups/ticket_keys.h"

#include <openssl/crypto.h>

#include <cstring>
#include <fstream>
#include <iterator>

namespace https {
namespace {

constexpr auto kBelieved = std::chrono::seconds(1);

void wipe(std::string& text) { OPENSSL_cleanse(text.data(), text.size()); }

}  // namespace

TicketKeys::~TicketKeys() { wipe(keys_); }

bool TicketKeys::is_due() const {
  const std::lock_guard lock(mutex_);
  return Clock::now() - loaded_ > kBelieved;
}

bool TicketKeys::load() {
  std::ifstream file(file_, std::ios::binary);
  std::string read{std::istreambuf_iterator<char>(file), {}};
  const bool good = !read.empty() && read.size() % OPENSSL_TICKET_KEY_SIZE == 0;
  const std::lock_guard lock(mutex_);
  loaded_ = Clock::now();
  if (good && read != keys_) {
    keys_.swap(read);
    ++counters_.ticket_key_loads;
  }
  if (!good) ++counters_.ticket_key_failures;
  wipe(read);
  return good;
}

bool TicketKeys::answer(OPENSSL_EVENT* e) const {
  const OPENSSL_TICKET_LOOKUP& wanted = *e->l.u.ticket;
  const std::lock_guard lock(mutex_);
  for (std::size_t at = 0; at < keys_.size(); at += OPENSSL_TICKET_KEY_SIZE) {
    const auto* key = reinterpret_cast<const unsigned char*>(keys_.data()) + at;
    if (!wanted.encrypts && std::memcmp(key, wanted.key_name, OPENSSL_TICKET_KEY_NAME_SIZE) != 0) continue;
    return openssl_answerTicketKey(e, key, at > 0);
  }
  return false;
}

}  // namespace https
