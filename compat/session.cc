#include "compat/session.h"

#include <openssl/err.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <utility>

#include "compat/real.h"
#include "compat/statistics.h"
#include "compat/trace.h"

namespace openssl_event::compat {
namespace {

// An edge-triggered program retries once, when it begins to wait for EPOLLOUT, and then sleeps until the wake-up. A
// level-triggered one comes back at once, again and again: from the third time on the retry waits a little itself.
constexpr unsigned kFreeRetries = 2;
constexpr std::chrono::microseconds kFirstPause{200};
constexpr std::chrono::microseconds kLongestPause{2000};

void silent(const SSL*, int, int) noexcept {}

// SSL_dup copies the pointer otherwise, and two SSLs would own one session.
int forget_in_copy(CRYPTO_EX_DATA*, const CRYPTO_EX_DATA*, void** from, int, long, void*) noexcept {
  *from = nullptr;
  return 1;
}

}  // namespace

int Session::index() noexcept {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, forget_in_copy, Session::end);
  return index;
}

Session* Session::find(const SSL* ssl) noexcept {
  return ssl ? static_cast<Session*>(SSL_get_ex_data(ssl, index())) : nullptr;
}

Session* Session::find_or_make(SSL* ssl) noexcept {
  if (Session* session = find(ssl)) return session;
  auto* session = new (std::nothrow) Session(ssl);
  if (session && SSL_set_ex_data(ssl, index(), session)) return session;
  delete session;
  return nullptr;
}

void Session::end(void*, void* session, CRYPTO_EX_DATA*, int, long, void*) noexcept { delete static_cast<Session*>(session); }

Session::~Session() {
  if (running()) abandon();
  if (async_fd_ >= 0) close(async_fd_);
}

// On the fiber.
void Session::run(void* session) noexcept {
  auto* self = static_cast<Session*>(session);
  self->value_ = self->function_(self->ssl_);
}

int Session::handshake(int (*function)(SSL*)) noexcept {
  answered_waiting_ = false;
  if (!running()) {
    function_ = function;
    return conclude(Runner::run(run, this));
  }
  if (reply_is_here()) return conclude(resume());
  return conclude(Outcome::waiting);
}

int Session::conclude(Outcome outcome) noexcept {
  while (outcome == Outcome::waiting && replied()) outcome = resume();  // executed in place
  switch (outcome) {
    case Outcome::finished: return value_;
    case Outcome::no_stack: ERR_clear_error(); return function_(ssl_);
    case Outcome::waiting: break;
  }
  answered_waiting_ = true;
  statistics().answers++;
  return -1;
}

// On the fiber: a private-key operation begins.
void Session::call_out(Event* call) noexcept {
  retries_ = 0;
  pause_ = kFirstPause;
  trace_call(ssl_, call);
  pending_ = PendingCall::begin(call, wake());
  if (!pending_) {
    call->holder = Holder::application;
    call->pub.e.engine->call(&call->pub);
    call_returned();
  } else if (pending_->is_done()) {
    std::exchange(pending_, nullptr)->take();
    call_returned();
  }
}

bool Session::reply_is_here() noexcept {
  if (replied()) return true;
  pending_->set_wake(wake());  // the program may have given the SSL another socket
  if (!pending_->is_done()) {
    if (async_ || ++retries_ <= kFreeRetries) return false;
    const bool done = pending_->wait(pause_);
    pause_ = std::min(pause_ * 2, kLongestPause);
    if (!done) return false;
  }
  std::exchange(pending_, nullptr)->take();
  call_returned();
  return true;
}

Wake Session::wake() noexcept {
  Wake wake;
  struct stat now;
  if (async_) {
    if (async_fd_ < 0) async_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    std::uint64_t old;
    [[maybe_unused]] const ssize_t drained = pending_ ? 0 : read(async_fd_, &old, sizeof old);
    wake.how = Wake::How::descriptor;
    wake.fd = async_fd_;
  } else if (const int fd = SSL_get_wfd(ssl_); fd >= 0 && fstat(fd, &now) == 0) {
    wake.how = Wake::How::edge;
    wake.fd = fd;
    wake.inode = now.st_ino;
  }
  return wake;
}

void Session::abandon() noexcept {
  if (!running()) return;
  if (PendingCall* pending = std::exchange(pending_, nullptr)) pending->cancel();
  auto* const info = SSL_get_info_callback(ssl_);
  BIO* const wbio = SSL_get_wbio(ssl_);
  if (wbio) BIO_up_ref(wbio);
  SSL_set_info_callback(ssl_, silent);
  real_SSL_set0_wbio(ssl_, nullptr);
  poison();
  real_SSL_set0_wbio(ssl_, wbio);
  SSL_set_info_callback(ssl_, info);
  ERR_clear_error();
  answered_waiting_ = false;
}

}  // namespace openssl_event::compat
