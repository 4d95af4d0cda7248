// The BIO through which libssl reads and writes the events of a connection.
#include <openssl/bio.h>

#include "openssl_event/connection.h"

namespace openssl_event {
namespace {

Connection* connection_of(BIO* bio) noexcept { return static_cast<Connection*>(BIO_get_data(bio)); }

// Failure is -1: for libssl 3.2 to 3.6, 0 without a retry is a record that has been written.
int write_bytes(BIO* bio, const char* data, std::size_t len, std::size_t* written) noexcept {
  Connection* connection = connection_of(bio);
  if (connection->begin_transfer()) BIO_clear_retry_flags(bio);
  if (!connection->write_records(data, len)) return -1;
  *written = len;
  return 1;
}

int read_bytes(BIO* bio, char* buf, std::size_t len, std::size_t* read) noexcept {
  Connection* connection = connection_of(bio);
  if (connection->begin_transfer()) BIO_clear_retry_flags(bio);
  *read = connection->read_records(buf, len);
  if (*read > 0) return 1;
  if (connection->input_at_end()) return 0;
  connection->note_retry();
  BIO_set_retry_read(bio);
  return 0;
}

long control(BIO* bio, int command, long, void*) noexcept {
  switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_EOF: return connection_of(bio)->input_at_end();
    default: return 0;
  }
}

BIO_METHOD* make_method() noexcept {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "openssl_event records");
  if (!method || !BIO_meth_set_write_ex(method, write_bytes) || !BIO_meth_set_read_ex(method, read_bytes) ||
      !BIO_meth_set_ctrl(method, control)) {
    BIO_meth_free(method);
    return nullptr;
  }
  return method;
}

// Made once, kept for the life of the process; a failure for lack of memory is tried again.
const BIO_METHOD* record_method() noexcept {
  static std::atomic<BIO_METHOD*> known{nullptr};
  BIO_METHOD* method = known.load(std::memory_order_acquire);
  if (method) return method;
  BIO_METHOD* made = make_method();
  if (made && !known.compare_exchange_strong(method, made, std::memory_order_acq_rel)) {
    BIO_meth_free(made);
    return method;
  }
  return made;
}

}  // namespace

BIO* attach_record_bio(SSL* ssl, Connection* connection) noexcept {
  const BIO_METHOD* method = record_method();
  BIO* bio = method ? BIO_new(method) : nullptr;
  if (!bio) return nullptr;
  BIO_set_data(bio, connection);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  return bio;
}

}  // namespace openssl_event
