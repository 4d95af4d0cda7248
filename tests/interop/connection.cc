#include "tests/interop/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <stdexcept>

#include "engine_workers/engine_workers.h"

namespace openssl_event::interop {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLongestLog = 20000;
constexpr int kSlices = 16;

// For the life of the process.
openssl_workers_t* workers() {
  static openssl_workers_t* const pool = [] {
    OPENSSL_WORKERS_CONFIG config = {};
    config.size = sizeof config;
    config.threads = 2;
    return openssl_newWorkers(&config);
  }();
  return pool;
}

}  // namespace

Connection::Connection(SSL* ssl, int socket)
    : tls_(openssl_new(ssl)), socket_(socket), completions_(openssl_newCompletions()) {
  SSL_free(ssl);
  if (!tls_ || !completions_ || socket < 0) throw std::runtime_error("no connection");
}

Connection::~Connection() {
  for (std::thread& thread : answering_) thread.join();
  openssl_free(tls_);
  openssl_drainWorkers(workers());  // so that a call that is out has come back
  openssl_freeCompletions(completions_);
  ::close(socket_);
}

OPENSSL_NEGOTIATED Connection::negotiated() const {
  OPENSSL_NEGOTIATED negotiated = {};
  openssl_negotiated(tls_, &negotiated);
  return negotiated;
}

void Connection::send(std::string_view bytes) {
  OPENSSL_EVENT* e = openssl_newCleartextInEvent(bytes.data(), bytes.size());
  if (!e || !openssl_putEvent(tls_, e)) throw std::runtime_error("cleartext was not taken");
}

bool Connection::run_until(const std::function<bool()>& done, Child* child) {
  const auto deadline = Clock::now() + std::chrono::seconds(kPatienceSeconds);
  for (;;) {
    serve();
    write_socket();
    if (child) child->read();
    if (done()) return true;
    if (is_over(child) || Clock::now() > deadline) return false;
    wait(child);
    collect_calls();
    read_socket();
  }
}

bool Connection::is_over(const Child* child) const {
  const bool nothing_comes = input_ended_ || failure_ != OPENSSL_REASON_NONE;
  const bool nothing_goes = socket_broken_ || openssl_unsent(tls_) == 0;
  const bool idle = (openssl_wants(tls_) & OPENSSL_WANTS_REPLY) == 0;
  return nothing_comes && nothing_goes && idle && (!child || child->closed_output());
}

void Connection::serve() {
  while (OPENSSL_EVENT* e = openssl_getEvent(tls_)) handle(e);
}

void Connection::handle(OPENSSL_EVENT* e) {
  char text[200];
  if (log_.size() < kLongestLog) log_.append(openssl_describe(e, text, sizeof text)).append("\n");
  switch (e->kind) {
    case OPENSSL_ENGINE_CALL_OUT_KIND:
      if (openssl_submitCall(workers(), e, completions_)) return;
      ++calls_here_;
      e->e.engine->call(e);
      break;
    case OPENSSL_LOOKUP_OUT_KIND:
      answer(e);
      return;
    case OPENSSL_CLEARTEXT_OUT_KIND:
      received_.append(e->c.buf, static_cast<std::size_t>(e->c.len));
      break;
    case OPENSSL_RECORD_OUT_KIND:
      openssl_queueRecord(tls_, e);
      return;
    case OPENSSL_STATUS_OUT_KIND:
      note_status(e->s);
      break;
    default:
      openssl_freeEvent(e);
      return;
  }
  openssl_putEvent(tls_, e);
}

void Connection::answer(OPENSSL_EVENT* e) {
  ++lookups_;
  answering_.emplace_back([this, e] {
    on_lookup ? on_lookup(e) : static_cast<void>(openssl_answerDefault(e));
    openssl_postCompletion(completions_, e);
  });
}

void Connection::note_status(const OPENSSL_STATUS& status) {
  switch (status.status) {
    case OPENSSL_STATUS_HANDSHAKE_DONE:
      ++handshakes_;
      break;
    case OPENSSL_STATUS_CLOSE_NOTIFY:
      closed_in_ = true;
      break;
    case OPENSSL_STATUS_OUTPUT_CLOSED:
      closed_out_ = true;
      break;
    case OPENSSL_STATUS_KEY_UPDATED:
      ++key_updates_;
      break;
    case OPENSSL_STATUS_ERROR:
      failure_ = status.reason;
      log_.append(status.text).append("\n");
      break;
    default:
      log_.append("a status without a name\n");
  }
}

void Connection::collect_calls() {
  while (OPENSSL_EVENT* e = openssl_collectCompletion(completions_)) {
    if (e->kind == OPENSSL_ENGINE_CALL_IN_KIND) {
      const bool here = e->e.thread == static_cast<unsigned long>(gettid());
      ++(here ? calls_here_ : calls_on_workers_);
    }
    openssl_returnEvent(e);
  }
}

void Connection::read_socket() {
  if (input_ended_ || !(openssl_wants(tls_) & OPENSSL_WANTS_RECORD)) return;
  std::size_t room = 0;
  char* space = openssl_inputSpace(tls_, &room);
  const ssize_t count = recv(socket_, space, room, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    input_ended_ = true;
    openssl_endInput(tls_);
    return;
  }
  openssl_inputFilled(tls_, static_cast<std::size_t>(count));
  while (OPENSSL_EVENT* record = openssl_nextFrame(tls_)) openssl_putEvent(tls_, record);
}

void Connection::write_socket() {
  while (openssl_unsent(tls_) > 0 && !socket_broken_) {
    iovec slices[kSlices];
    msghdr message = {};
    message.msg_iov = slices;
    message.msg_iovlen = static_cast<std::size_t>(openssl_gather(tls_, slices, kSlices));
    const ssize_t count = sendmsg(socket_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count < 0) {
      socket_broken_ = true;
      return;
    }
    openssl_markSent(tls_, static_cast<std::size_t>(count));
    serve();
  }
}

void Connection::wait(const Child* child) {
  const bool reads = !input_ended_ && (openssl_wants(tls_) & OPENSSL_WANTS_RECORD);
  const bool writes = !socket_broken_ && openssl_unsent(tls_) > 0;
  pollfd waited[] = {
      {reads || writes ? socket_ : -1, static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)), 0},
      {openssl_completionFd(completions_), POLLIN, 0},
      {child ? child->output_fd() : -1, POLLIN, 0},
  };
  poll(waited, 3, 1000);
}

}  // namespace openssl_event::interop
