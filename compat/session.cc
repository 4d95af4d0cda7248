#include "compat/session.h"

#include <openssl/err.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <new>
#include <utility>

#include "compat/manner.h"
#include "compat/pool.h"
#include "compat/statistics.h"
#include "compat/trace.h"
#include "openssl_event/error_queue.h"

namespace openssl_event::compat {
namespace {

// An edge-triggered program retries once, when it begins to wait for EPOLLOUT, and then sleeps until the wake-up. A
// level-triggered one comes back at once, again and again: from the third time on the retry waits a little itself.
constexpr unsigned kFreeAnswers = 3;
constexpr std::chrono::microseconds kFirstPause{200};
constexpr std::chrono::microseconds kLongestPause{2000};

// SSL_dup copies the pointer otherwise, and two SSLs would own one session. The copy has one of its own, if libssl has
// made it by the SSL_new of this layer.
int keep_own(CRYPTO_EX_DATA* copy, const CRYPTO_EX_DATA*, void** session, int index, long, void*) noexcept {
  *session = CRYPTO_get_ex_data(copy, index);
  return 1;
}

// A thread that is cancelled is unwound, which a fiber's stack does not survive. No call on one takes long.
class NoCancellation {
 public:
  NoCancellation() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &previous_); }
  ~NoCancellation() { pthread_setcancelstate(previous_, nullptr); }
  NoCancellation(const NoCancellation&) = delete;
  NoCancellation& operator=(const NoCancellation&) = delete;

 private:
  int previous_;
};

}  // namespace

int Session::index() noexcept {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, keep_own, Session::end);
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

// A handshake that is suspended still has not been abandoned by SSL_free: libssl has taken a reference that nobody saw. What
// is on its stack refers to an SSL that may be half gone by now, so that it is left alone.
Session::~Session() {
  if (data_path_) data_path_->ssl_ends();
  if (pending_) pending_->cancel();
  if (async_fd_ >= 0) close(async_fd_);
}

// On the fiber.
void Session::run(void* session) noexcept {
  auto* self = static_cast<Session*>(session);
  self->value_ = self->function_(self->ssl_);
}

int Session::handshake(int (*function)(SSL*)) noexcept {
  const NoCancellation here;
  if (answered_waiting_) async_fd_is_new_ = false;
  answered_waiting_ = false;
  Outcome outcome = run_or_go_on(function);
  while (outcome == Outcome::waiting ? reply_is_here() : outcome == Outcome::finished && is_to_begin_anew())
    outcome = run_or_go_on(function);
  if (outcome == Outcome::finished) return value_;
  clear_errors();
  if (outcome == Outcome::no_stack) return function(ssl_);
  errno = EAGAIN;  // as of a write that would block
  answered_waiting_ = true;
  answers_++;
  statistics().answers++;
  return -1;
}

bool Session::put_off() noexcept {
  if (never_suspends_ || std::exchange(was_put_off_, true)) return false;
  clear_errors();
  BIO_clear_retry_flags(SSL_get_rbio(ssl_));
  BIO_set_retry_read(SSL_get_rbio(ssl_));
  errno = EAGAIN;
  answered_waiting_ = true;
  statistics().answers++;
  return true;
}

bool Session::is_to_begin_anew() noexcept { return std::exchange(shutdown_refused_, false) && value_ <= 0; }

Session::Outcome Session::run_or_go_on(int (*function)(SSL*)) noexcept {
  if (running() && !replied()) return Outcome::waiting;
  info_.stand_in(ssl_);
  function_ = function;
  const Outcome outcome = running() ? resume() : Runner::run(run, this);
  const int of_libssl = errno;
  info_.step_aside(ssl_);
  errno = of_libssl;
  return outcome;
}

// On the fiber: a private-key operation begins.
void Session::call_out(Event* call) noexcept {
  answers_ = 0;
  pause_ = kFirstPause;
  trace_call("suspended", call);
  pending_ = PendingCall::begin(call, wake());
  if (!pending_) {
    execute_in_place(call);
    call_returned();
  }
}

bool Session::reply_is_here() noexcept {
  if (replied()) return true;
  if (!pending_->is_done() && !wait_a_little()) return false;
  take_reply();
  return true;
}

// True: the call is done. The program may have given the SSL another socket, or one that blocks.
bool Session::wait_a_little() noexcept {
  const Wake now = wake();
  if (now.how == Wake::How::nobody) {
    pending_->wait();
    return true;
  }
  pending_->set_wake(now);
  if (async_ || answers_ < kFreeAnswers) return pending_->is_done();
  const bool done = pending_->wait(pause_);
  pause_ = std::min(pause_ * 2, kLongestPause);
  return done;
}

void Session::take_reply() noexcept {
  std::exchange(pending_, nullptr)->take();
  std::uint64_t old;
  if (async_fd_ >= 0) {
    [[maybe_unused]] const ssize_t drained = read(async_fd_, &old, sizeof old);
  }
  call_returned();
}

Wake Session::wake() noexcept {
  Wake wake;
  struct stat now;
  const int saved_errno = errno;
  if (async_) {
    if (async_fd_ < 0) {
      async_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
      async_fd_is_new_ = true;
    }
    if (async_fd_ >= 0) wake = {Wake::How::descriptor, async_fd_, 0};
  } else if (const int fd = writing_fd(ssl_); is_nonblocking_tcp(fd) && fstat(fd, &now) == 0) {
    wake = {Wake::How::edge, fd, now.st_ino};
  }
  errno = saved_errno;
  return wake;
}

// With our close_notify sent, as it seems, libssl sends no alert and leaves the session cache alone; the error that unwinds
// its functions is nobody's.
void Session::abandon() noexcept {
  if (!running()) return forget_answer();
  const NoCancellation here;
  SavedErrors of_program;
  if (PendingCall* pending = std::exchange(pending_, nullptr)) pending->cancel();
  const int shutdown = SSL_get_shutdown(ssl_);
  SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  info_.close();
  poison();
  revive();
  info_.open();
  SSL_set_shutdown(ssl_, shutdown);
  of_program.restore();
  answered_waiting_ = false;
}

void Session::never_suspend() noexcept {
  never_suspends_ = true;
  answered_waiting_ = false;
  while (running()) {
    if (!replied()) {
      pending_->wait();
      take_reply();
    }
    run_or_go_on(function_);
  }
}

}  // namespace openssl_event::compat
