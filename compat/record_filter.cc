#include "compat/record_filter.h"

#include <atomic>

#include "compat/data_path.h"

namespace openssl_event::compat {
namespace {

DataPath* path_of(BIO* bio) noexcept { return static_cast<DataPath*>(BIO_get_data(bio)); }

int answer(BIO* filter, int value) noexcept {
  BIO_clear_retry_flags(filter);
  if (value == DataPath::kFailed) return -1;
  if (value <= 0 && BIO_next(filter)) BIO_copy_next_retry(filter);
  return value;
}

int read_record(BIO* filter, char* buf, int size) {
  DataPath* path = path_of(filter);
  return answer(filter, path ? path->give_libssl(buf, size) : DataPath::kFailed);
}

int write_record(BIO* filter, const char* data, int size) {
  DataPath* path = path_of(filter);
  return answer(filter, path ? path->take_from_libssl(data, size) : DataPath::kFailed);
}

constexpr int kSetKtls = 72;  // libssl's BIO_CTRL_SET_KTLS, which only its own headers have

// What libssl seals must never leave as it is, nor may the kernel come to seal what it did not.
bool concerns_ktls(int command) noexcept {
  return command == kSetKtls || command == BIO_CTRL_GET_KTLS_SEND || command == BIO_CTRL_GET_KTLS_RECV;
}

long control(BIO* filter, int command, long larg, void* parg) {
  BIO* program = BIO_next(filter);
  if (!program || concerns_ktls(command)) return 0;
  const long value = BIO_ctrl(program, command, larg, parg);
  if (command == BIO_CTRL_FLUSH) answer(filter, static_cast<int>(value));
  return value;
}

int end(BIO* filter) noexcept {
  if (DataPath* path = path_of(filter)) path->filter_ends(filter);
  return 1;
}

// Made once, kept for the life of the process; a failure for lack of memory is tried again.
class Method {
 public:
  const BIO_METHOD* get() noexcept {
    BIO_METHOD* method = known_.load(std::memory_order_acquire);
    if (method) return method;
    BIO_METHOD* made = make();
    if (made && !known_.compare_exchange_strong(method, made, std::memory_order_acq_rel)) {
      BIO_meth_free(made);
      return method;
    }
    return made;
  }
  static int type() noexcept {
    static const int type = BIO_get_new_index() | BIO_TYPE_FILTER;
    return type;
  }

 private:
  static BIO_METHOD* make() noexcept {
    BIO_METHOD* method = BIO_meth_new(type(), "libssl_event_compat records");
    if (method && BIO_meth_set_write(method, write_record) && BIO_meth_set_read(method, read_record) &&
        BIO_meth_set_ctrl(method, control) && BIO_meth_set_destroy(method, end))
      return method;
    BIO_meth_free(method);
    return nullptr;
  }

  std::atomic<BIO_METHOD*> known_{nullptr};
};

constinit Method method;

bool is_filter(BIO* bio) noexcept { return bio && BIO_method_type(bio) == Method::type(); }

}  // namespace

BIO* new_filter(DataPath* path, BIO* program) noexcept {
  const BIO_METHOD* of_filters = method.get();
  BIO* filter = of_filters ? BIO_new(of_filters) : nullptr;
  if (!filter) return nullptr;
  BIO_set_data(filter, path);
  BIO_set_next(filter, program);
  BIO_set_init(filter, 1);
  return filter;
}

void disconnect_filter(BIO* filter) noexcept { BIO_set_data(filter, nullptr); }

void copy_retry_flags(BIO* filter) noexcept {
  if (!filter) return;
  BIO_clear_retry_flags(filter);
  BIO_copy_next_retry(filter);
}

void show_retry_flags(BIO* filter) noexcept {
  if (!filter || !BIO_should_retry(filter) || BIO_should_retry(BIO_next(filter))) return;
  BIO_set_flags(BIO_next(filter), BIO_get_retry_flags(filter));
}

BIO* behind_filter(BIO* bio) noexcept { return is_filter(bio) ? BIO_next(bio) : bio; }

}  // namespace openssl_event::compat
