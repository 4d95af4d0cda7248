#include "tests/compat/differential/bios.h"

#include <algorithm>
#include <cstring>

namespace openssl_event::testing {
namespace {

Queues& queues_of(BIO* bio) { return *static_cast<Queues*>(BIO_get_data(bio)); }

int queue_read(BIO* bio, char* to, int len) {
  Queues& queues = queues_of(bio);
  BIO_clear_retry_flags(bio);
  if (queues.in.empty()) {
    if (queues.ended) return 0;
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t taken = std::min(queues.in.size(), static_cast<std::size_t>(len));
  std::memcpy(to, queues.in.data(), taken);
  queues.in.erase(0, taken);
  return static_cast<int>(taken);
}

int queue_write(BIO* bio, const char* from, int len) {
  Queues& queues = queues_of(bio);
  BIO_clear_retry_flags(bio);
  const std::size_t taken = std::min(queues.quota, static_cast<std::size_t>(len));
  if (taken == 0 && len > 0) {
    BIO_set_retry_write(bio);
    return -1;
  }
  queues.out.append(from, taken);
  if (queues.quota != static_cast<std::size_t>(-1)) queues.quota -= taken;
  return static_cast<int>(taken);
}

long queue_ctrl(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_PENDING) return static_cast<long>(queues_of(bio).in.size());
  if (command == BIO_CTRL_EOF) return queues_of(bio).ended;
  return 0;
}

int filter_read(BIO* bio, char* to, int len) {
  const int value = BIO_read(BIO_next(bio), to, len);
  BIO_clear_retry_flags(bio);
  BIO_copy_next_retry(bio);
  if (value > 0) *static_cast<long*>(BIO_get_data(bio)) += value;
  return value;
}

int filter_write(BIO* bio, const char* from, int len) {
  const int value = BIO_write(BIO_next(bio), from, len);
  BIO_clear_retry_flags(bio);
  BIO_copy_next_retry(bio);
  if (value > 0) *static_cast<long*>(BIO_get_data(bio)) += value;
  return value;
}

long filter_ctrl(BIO* bio, int command, long larg, void* parg) {
  return BIO_next(bio) ? BIO_ctrl(BIO_next(bio), command, larg, parg) : 0;
}

int create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

BIO_METHOD* make_method(int type, const char* name, int (*read)(BIO*, char*, int), int (*write)(BIO*, const char*, int),
                        long (*ctrl)(BIO*, int, long, void*)) {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | type, name);
  BIO_meth_set_create(method, create);
  BIO_meth_set_read(method, read);
  BIO_meth_set_write(method, write);
  BIO_meth_set_ctrl(method, ctrl);
  return method;
}

BIO* make(const BIO_METHOD* method, void* data) {
  BIO* bio = BIO_new(method);
  BIO_set_data(bio, data);
  return bio;
}

}  // namespace

BIO* make_queue_bio(Queues& queues) {
  static const BIO_METHOD* const method = make_method(BIO_TYPE_SOURCE_SINK, "queues", queue_read, queue_write, queue_ctrl);
  return make(method, &queues);
}

BIO* make_counting_filter(long& bytes) {
  static const BIO_METHOD* const method = make_method(BIO_TYPE_FILTER, "counter", filter_read, filter_write, filter_ctrl);
  return make(method, &bytes);
}

}  // namespace openssl_event::testing
