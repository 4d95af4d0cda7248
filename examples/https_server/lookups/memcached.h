// A memcached, by libmemcached. Slow or gone, it costs whoever asks a quarter of a second at most, and for the next
// second nothing: then it is left alone.
#ifndef EXAMPLES_HTTPS_SERVER_LOOKUPS_MEMCACHED_H
#define EXAMPLES_HTTPS_SERVER_LOOKUPS_MEMCACHED_H

#include <libmemcached/memcached.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace https {

// Any thread.
class Memcached {
 public:
  enum class Result { done, none, failed };

  Memcached(std::string host, int port);
  ~Memcached();
  Memcached(const Memcached&) = delete;
  Memcached& operator=(const Memcached&) = delete;

  // These block.
  Result get(const std::string& key, std::string& value);
  Result set(const std::string& key, const std::string& value, std::chrono::seconds lifetime);
  Result remove(const std::string& key);

  // It has failed within the last second: what is asked now fails at once.
  bool is_left_alone() const;

 private:
  class Client;
  memcached_st* take();
  void give_back(memcached_st* client);
  Result result_of(memcached_return_t returned);

  const std::string host_;
  const int port_;
  std::mutex mutex_;
  std::vector<memcached_st*> idle_;  // connections that nobody uses now
  std::atomic<std::chrono::steady_clock::rep> asked_again_{0};
};

}  // namespace https

#endif
