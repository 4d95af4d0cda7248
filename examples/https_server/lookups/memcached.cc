#include "examples/https_server/lookups/memcached.h"

#include <cstdlib>
#include <utility>

namespace https {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMilliseconds = 250;
constexpr auto kLeftAlone = std::chrono::seconds(1);

memcached_st* connect(const std::string& host, int port) {
  memcached_st* client = memcached_create(nullptr);
  if (!client) return nullptr;
  memcached_behavior_set(client, MEMCACHED_BEHAVIOR_CONNECT_TIMEOUT, kMilliseconds);
  memcached_behavior_set(client, MEMCACHED_BEHAVIOR_POLL_TIMEOUT, kMilliseconds);
  memcached_behavior_set(client, MEMCACHED_BEHAVIOR_NO_BLOCK, 1);  // the poll timeout rules reads and writes
  memcached_behavior_set(client, MEMCACHED_BEHAVIOR_TCP_NODELAY, 1);
  memcached_behavior_set(client, MEMCACHED_BEHAVIOR_RETRY_TIMEOUT, 1);
  memcached_server_add(client, host.c_str(), static_cast<in_port_t>(port));
  return client;
}

}  // namespace

// One of the connections, for the duration of a request.
class Memcached::Client {
 public:
  explicit Client(Memcached& owner) : owner_(owner), client_(owner.take()) {}
  ~Client() { owner_.give_back(client_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  memcached_st* get() const { return client_; }

 private:
  Memcached& owner_;
  memcached_st* const client_;
};

Memcached::Memcached(std::string host, int port) : host_(std::move(host)), port_(port) {}

Memcached::~Memcached() {
  for (memcached_st* client : idle_) memcached_free(client);
}

bool Memcached::is_left_alone() const {
  return Clock::now().time_since_epoch().count() < asked_again_.load(std::memory_order_relaxed);
}

memcached_st* Memcached::take() {
  if (is_left_alone()) return nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      memcached_st* client = idle_.back();
      idle_.pop_back();
      return client;
    }
  }
  return connect(host_, port_);
}

// After a failure the connection may still bring the late answer to another question: it is not used again.
void Memcached::give_back(memcached_st* client) {
  if (!client) return;
  if (is_left_alone()) return memcached_free(client);
  const std::lock_guard lock(mutex_);
  idle_.push_back(client);
}

Memcached::Result Memcached::result_of(memcached_return_t returned) {
  if (returned == MEMCACHED_SUCCESS || returned == MEMCACHED_STORED || returned == MEMCACHED_DELETED)
    return Result::done;
  if (returned == MEMCACHED_NOTFOUND) return Result::none;
  // It is there, but full: it says so at once.
  if (returned != MEMCACHED_SERVER_MEMORY_ALLOCATION_FAILURE && returned != MEMCACHED_SERVER_ERROR &&
      returned != MEMCACHED_E2BIG)
    asked_again_.store((Clock::now() + kLeftAlone).time_since_epoch().count(), std::memory_order_relaxed);
  return Result::failed;
}

Memcached::Result Memcached::get(const std::string& key, std::string& value) {
  const Client client(*this);
  if (!client.get()) return Result::failed;
  std::size_t size = 0;
  std::uint32_t flags = 0;
  memcached_return_t returned = MEMCACHED_FAILURE;
  const std::unique_ptr<char, decltype(&std::free)> found(
      memcached_get(client.get(), key.data(), key.size(), &size, &flags, &returned), std::free);
  if (found) value.assign(found.get(), size);
  return result_of(returned);
}

Memcached::Result Memcached::set(const std::string& key, const std::string& value, std::chrono::seconds lifetime) {
  const Client client(*this);
  if (!client.get()) return Result::failed;
  return result_of(
      memcached_set(client.get(), key.data(), key.size(), value.data(), value.size(), lifetime.count(), 0));
}

Memcached::Result Memcached::remove(const std::string& key) {
  const Client client(*this);
  if (!client.get()) return Result::failed;
  return result_of(memcached_delete(client.get(), key.data(), key.size(), 0));
}

}  // namespace https
