#include "adapters/uv/openssl_uv.h"

#include <memory>
#include <new>
#include <string>
#include <utility>

#include "adapters/loop/session.h"

namespace {

constexpr unsigned kSlices = 16;

const loop::Calls kInPlace;

struct FreeCompletions {
  void operator()(openssl_completions_t* completions) const { openssl_freeCompletions(completions); }
};

}  // namespace

// A loop's place for calls that come home. Its handle keeps the loop alive while one is out that somebody waits for.
struct openssl_uv_calls_st {
 public:
  explicit openssl_uv_calls_st(openssl_workers_t* workers)
      : completions_(openssl_newCompletions()), calls_{workers, completions_.get()} {}

  bool begin(uv_loop_t* loop);
  void close();
  void add_waiting(int change);
  const loop::Calls& calls() const { return calls_; }

 private:
  static void completed(uv_poll_t* handle, int, int) { static_cast<openssl_uv_calls_st*>(handle->data)->collect(); }
  void collect();

  std::unique_ptr<openssl_completions_t, FreeCompletions> completions_;
  const loop::Calls calls_;
  uv_poll_t handle_ = {};
  int waiting_ = 0;
};

struct openssl_uv_st final : private loop::User {
 public:
  openssl_uv_st(uv_stream_t* stream, SSL* ssl, const OPENSSL_UV_CALLBACKS& callbacks, openssl_uv_calls_t* calls, void* user)
      : stream_(stream),
        callbacks_(callbacks),
        calls_(calls),
        user_(user),
        session_(ssl, calls ? calls->calls() : kInPlace, *this) {}

  ~openssl_uv_st() {
    if (block_) openssl_returnEvent(block_);
  }

  bool valid() const { return session_.valid(); }
  void begin();
  int write(const void* bytes, std::size_t len);
  void pause() { paused_ = true; }
  void resume();
  void close_output();
  void close(int error) { close(error, error ? uv_strerror(error) : ""); }
  void close(int error, std::string why);

  void* user() const { return user_; }
  openssl_t* machine() const { return session_.tls(); }
  std::size_t unsent() const { return unwritten_ + session_.unsent(); }

  static void run_session(loop::Session& session) { static_cast<openssl_uv_st&>(session.user()).serve(); }

 private:
  void cleartext(OPENSSL_EVENT* block) override;
  void written(OPENSSL_EVENT* block) override;
  void status(const OPENSSL_STATUS& status) override;
  void executed(const OPENSSL_ENGINE_CALL&, std::optional<std::chrono::nanoseconds>) override {}

  static openssl_uv_st& of(void* data) { return *static_cast<openssl_uv_st*>(data); }
  static void give_space(uv_handle_t* handle, std::size_t, uv_buf_t* space);
  static void has_read(uv_stream_t* stream, ssize_t count, const uv_buf_t*);
  static void has_written(uv_write_t* request, int error);
  static void has_closed(uv_handle_t* handle);

  void serve();
  void run();
  void end_input(int reason);
  void note_waiting(bool waiting);
  void read_if_wanted();
  void send();
  unsigned gather(uv_buf_t* buffers);
  void settle();

  uv_stream_t* const stream_;
  const OPENSSL_UV_CALLBACKS& callbacks_;
  openssl_uv_calls_t* const calls_;
  void* const user_;
  uv_write_t writing_ = {};
  uv_shutdown_t shutting_ = {};
  std::size_t in_flight_ = 0;       // bytes that libuv writes; 0: it does not
  std::size_t unwritten_ = 0;       // bytes of the user's that are in no record yet
  OPENSSL_EVENT* block_ = nullptr;  // CLEARTEXT_OUT that waits for the end of a pause
  bool serving_ = false;
  bool waiting_ = false;            // for a worker
  bool reading_ = false;
  bool transport_ended_ = false;
  bool paused_ = false;
  bool undrained_ = false;
  bool output_closed_ = false;
  bool shut_ = false;
  bool closing_ = false;
  int error_ = 0;
  std::string why_;
  loop::Session session_;           // last: it uses what stands above
};

// ---- What the user does ----

void openssl_uv_st::begin() {
  stream_->data = writing_.data = this;
  openssl_setWindow(session_.tls(), kSlices, 1);  // one block at a time: see block_
  serve();
}

int openssl_uv_st::write(const void* bytes, std::size_t len) {
  if (closing_ || output_closed_ || session_.failed()) return UV_EPIPE;
  OPENSSL_EVENT* block = openssl_newCleartextInEvent(bytes, len);
  if (!block || !openssl_putEvent(session_.tls(), block)) {
    openssl_freeEvent(block);
    return UV_ENOMEM;
  }
  unwritten_ += len;
  undrained_ = true;
  serve();
  return 0;
}

void openssl_uv_st::resume() {
  paused_ = false;
  if (block_) cleartext(std::exchange(block_, nullptr));
  serve();
}

void openssl_uv_st::close_output() {
  output_closed_ = true;
  openssl_closeOutput(session_.tls());
  serve();
}

// Whatever libuv still writes ends before has_closed, cancelled.
void openssl_uv_st::close(int error, std::string why) {
  if (closing_) return;
  closing_ = true;
  error_ = error;
  why_ = std::move(why);
  note_waiting(false);
  uv_close(reinterpret_cast<uv_handle_t*>(stream_), has_closed);
}

void openssl_uv_st::has_closed(uv_handle_t* handle) {
  const std::unique_ptr<openssl_uv_st> tls(&of(handle->data));
  tls->callbacks_.closed(tls.get(), tls->error_, tls->why_.c_str());
}

// ---- What comes out of the session ----

void openssl_uv_st::cleartext(OPENSSL_EVENT* block) {
  if (paused_ && !closing_) {
    block_ = block;
    return;
  }
  if (callbacks_.received && !closing_) callbacks_.received(this, block->c.buf, static_cast<std::size_t>(block->c.len));
  openssl_putEvent(session_.tls(), block);
}

void openssl_uv_st::written(OPENSSL_EVENT* block) {
  unwritten_ -= static_cast<std::size_t>(block->c.len);
  openssl_freeEvent(block);
}

void openssl_uv_st::status(const OPENSSL_STATUS& status) {
  if (closing_) return;
  if (status.status == OPENSSL_STATUS_HANDSHAKE_DONE && callbacks_.established) callbacks_.established(this);
  if (status.status == OPENSSL_STATUS_CLOSE_NOTIFY && callbacks_.ended) callbacks_.ended(this);
  if (status.status == OPENSSL_STATUS_ERROR) {
    error_ = status.reason == OPENSSL_REASON_TRUNCATED ? UV_EOF : UV_EPROTO;
    why_ = status.text;
  }
}

// ---- The loop ----

// Does everything that can be done now. Called from a callback it leaves that to the call that the callback came from.
void openssl_uv_st::serve() {
  if (serving_ || closing_) return;
  run();
  send();
  read_if_wanted();
  settle();
}

void openssl_uv_st::run() {
  serving_ = true;
  session_.run();
  serving_ = false;
  note_waiting(session_.waits_for_call());
}

// Straight into the buffer that the machine will open the records in.
void openssl_uv_st::give_space(uv_handle_t* handle, std::size_t, uv_buf_t* space) {
  std::size_t room = 0;
  space->base = of(handle->data).session_.input_space(&room);
  space->len = room;
}

void openssl_uv_st::has_read(uv_stream_t* stream, ssize_t count, const uv_buf_t*) {
  openssl_uv_st& tls = of(stream->data);
  if (count > 0 && !tls.session_.received(static_cast<std::size_t>(count))) count = UV_ENOMEM;
  if (count < 0) tls.end_input(static_cast<int>(count));
  tls.serve();
}

void openssl_uv_st::end_input(int reason) {
  if (reason != UV_EOF) return close(reason);
  transport_ended_ = true;
  session_.input_ended();
}

void openssl_uv_st::read_if_wanted() {
  const bool wanted = !closing_ && !transport_ended_ && session_.wants_input();
  if (wanted == reading_) return;
  reading_ = wanted;
  if (wanted)
    uv_read_start(stream_, give_space, has_read);
  else
    uv_read_stop(stream_);
}

// The records stay where they are until has_written.
void openssl_uv_st::send() {
  uv_buf_t buffers[kSlices];
  const unsigned count = in_flight_ || closing_ ? 0 : gather(buffers);
  const int error = count ? uv_write(&writing_, stream_, buffers, count, has_written) : 0;
  if (error) close(error);
}

void openssl_uv_st::has_written(uv_write_t* request, int error) {
  openssl_uv_st& tls = of(request->data);
  tls.session_.sent(std::exchange(tls.in_flight_, 0));
  if (error) tls.close(error);  // or it is closed already, which has cancelled the writing
  tls.serve();
}

unsigned openssl_uv_st::gather(uv_buf_t* buffers) {
  iovec slices[kSlices];
  const int count = session_.gather(slices, kSlices);
  for (int i = 0; i < count; ++i) {
    buffers[i] = uv_buf_init(static_cast<char*>(slices[i].iov_base), static_cast<unsigned>(slices[i].iov_len));
    in_flight_ += slices[i].iov_len;
  }
  return count > 0 ? static_cast<unsigned>(count) : 0;
}

// With all sent: tells the user, and closes what has ended on both sides, or failed.
void openssl_uv_st::settle() {
  if (closing_ || in_flight_) return;
  if (session_.failed()) return close(error_, why_);
  if (undrained_ && unsent() == 0) {
    undrained_ = false;
    if (callbacks_.drained) return callbacks_.drained(this);
  }
  if (!session_.finished()) return;
  if (session_.peer_closed() || transport_ended_) return close(0);
  if (!std::exchange(shut_, true)) uv_shutdown(&shutting_, stream_, [](uv_shutdown_t*, int) {});
}

void openssl_uv_st::note_waiting(bool waiting) {
  if (!calls_ || waiting == waiting_) return;
  waiting_ = waiting;
  calls_->add_waiting(waiting ? 1 : -1);
}

// ---- Calls that come home ----

bool openssl_uv_calls_st::begin(uv_loop_t* loop) {
  if (!completions_ || uv_poll_init(loop, &handle_, openssl_completionFd(completions_.get())) != 0) return false;
  handle_.data = this;
  uv_poll_start(&handle_, UV_READABLE, completed);
  uv_unref(reinterpret_cast<uv_handle_t*>(&handle_));
  return true;
}

void openssl_uv_calls_st::add_waiting(int change) {
  waiting_ += change;
  auto* handle = reinterpret_cast<uv_handle_t*>(&handle_);
  if (waiting_ > 0)
    uv_ref(handle);
  else
    uv_unref(handle);
}

void openssl_uv_calls_st::collect() {
  while (OPENSSL_EVENT* call = openssl_collectCompletion(completions_.get()))
    if (loop::Session* session = loop::Session::take_back(call)) openssl_uv_st::run_session(*session);
}

void openssl_uv_calls_st::close() {
  openssl_drainWorkers(calls_.workers);
  collect();
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_),
           [](uv_handle_t* handle) { delete static_cast<openssl_uv_calls_st*>(handle->data); });
}

// ---- The C functions ----

openssl_uv_t* openssl_newUv(uv_stream_t* stream, SSL* ssl, const OPENSSL_UV_CALLBACKS* callbacks, openssl_uv_calls_t* calls,
                            void* user) {
  std::unique_ptr<openssl_uv_st> tls(new (std::nothrow) openssl_uv_st(stream, ssl, *callbacks, calls, user));
  if (!tls || !tls->valid()) return nullptr;
  tls->begin();
  return tls.release();
}

void* openssl_uvUser(const openssl_uv_t* tls) { return tls->user(); }
openssl_t* openssl_uvMachine(const openssl_uv_t* tls) { return tls->machine(); }
int openssl_uvWrite(openssl_uv_t* tls, const void* bytes, size_t len) { return tls->write(bytes, len); }
size_t openssl_uvUnsent(const openssl_uv_t* tls) { return tls->unsent(); }
void openssl_uvPause(openssl_uv_t* tls) { tls->pause(); }
void openssl_uvResume(openssl_uv_t* tls) { tls->resume(); }
void openssl_uvCloseOutput(openssl_uv_t* tls) { tls->close_output(); }
void openssl_uvClose(openssl_uv_t* tls) { tls->close(0); }

openssl_uv_calls_t* openssl_newUvCalls(uv_loop_t* loop, openssl_workers_t* workers) {
  std::unique_ptr<openssl_uv_calls_st> calls(new (std::nothrow) openssl_uv_calls_st(workers));
  return calls && calls->begin(loop) ? calls.release() : nullptr;
}

void openssl_uvCloseCalls(openssl_uv_calls_t* calls) { calls->close(); }
