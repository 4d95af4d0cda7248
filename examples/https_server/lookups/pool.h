// Threads for lookups that take long: a store, a file, a responder. Signatures have workers of their own, so that a
// slow store delays none.
#ifndef EXAMPLES_HTTPS_SERVER_LOOKUPS_POOL_H
#define EXAMPLES_HTTPS_SERVER_LOOKUPS_POOL_H

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace https {

class LookupPool {
 public:
  using Work = std::function<void()>;

  LookupPool(int threads, std::size_t most_waiting);
  ~LookupPool();  // does all the work that waits
  LookupPool(const LookupPool&) = delete;
  LookupPool& operator=(const LookupPool&) = delete;

  // False, at once: as much waits as may. Any thread.
  bool submit(Work work);

 private:
  void run();

  const std::size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable wakes_;
  std::deque<Work> waiting_;  // pushed by any thread, popped by the pool's
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace https

#endif
