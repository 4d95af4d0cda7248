// The C functions of a connection: unwrap, call, wrap.
#include <openssl/err.h>

#include "openssl_event/connection.h"
#include "openssl_event/error_queue.h"

using namespace openssl_event;

#define OPENSSL_EVENT_TEXT_(x) #x
#define OPENSSL_EVENT_TEXT(x) OPENSSL_EVENT_TEXT_(x)

const char* openssl_version(void) {
  return OPENSSL_EVENT_TEXT(OPENSSL_EVENT_VERSION_MAJOR) "." OPENSSL_EVENT_TEXT(OPENSSL_EVENT_VERSION_MINOR) "." OPENSSL_EVENT_TEXT(
      OPENSSL_EVENT_VERSION_PATCH);
}

namespace {

OPENSSL_EVENT* public_or_null(Event* e) noexcept { return e ? &e->pub : nullptr; }

int refuse(const char* why) noexcept {
  ERR_raise_data(ERR_LIB_USER, ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED, "%s", why);
  return 0;
}

}  // namespace

openssl_t* openssl_new(SSL* ssl) { return Connection::create(ssl); }

void openssl_free(openssl_t* tls) {
  if (tls) tls->destroy();
}

openssl_t* openssl_fromSSL(const SSL* ssl) { return Connection::of(ssl); }
SSL* openssl_ssl(const openssl_t* tls) { return tls->ssl(); }
void openssl_setUser(openssl_t* tls, void* user) { tls->set_user(user); }
void* openssl_user(const openssl_t* tls) { return tls->user(); }
int openssl_setWindow(openssl_t* tls, unsigned records_out, unsigned cleartext_out) {
  return tls->set_window(records_out, cleartext_out);
}
void openssl_setBudget(openssl_t* tls, unsigned events) { tls->set_budget(events); }
void openssl_setEngine(openssl_t* tls, const OPENSSL_ENGINE* engine) { tls->set_engine(engine); }
void openssl_allowRenegotiation(openssl_t* tls, int allow) { tls->allow_renegotiation(allow != 0); }

int openssl_putEvent(openssl_t* tls, OPENSSL_EVENT* e) { return tls->put(event_of(e)); }
OPENSSL_EVENT* openssl_getEvent(openssl_t* tls) { return public_or_null(tls->get()); }

int openssl_returnEvent(OPENSSL_EVENT* e) {
  Event* event = event_of(e);
  if (!held_by_application(event, "openssl_returnEvent")) return 0;
  if (made_by_application(kind_of(event))) return misuse("openssl_returnEvent", "the application made this event: free it by openssl_freeEvent");
  if (event->owner) return event->owner->put(event);
  destroy_event(event);
  return 1;
}

int openssl_waitForReply(openssl_t* tls, OPENSSL_EVENT* e, int (*pump)(openssl_t*, OPENSSL_EVENT*, void*), void* arg) {
  for (;;) {
    OPENSSL_EVENT* got = openssl_getEvent(tls);
    if (got == e) return 1;
    if (!pump(tls, got, arg)) return 0;
  }
}

int openssl_closeOutput(openssl_t* tls) { return tls->close_output(); }
int openssl_endInput(openssl_t* tls) { return tls->end_input(); }

int openssl_updateKey(openssl_t* tls, int request_peer) {
  if (!tls->established() || !tls->is_tls13())
    return refuse("openssl_updateKey: only after a TLS 1.3 handshake has finished");
  if (tls->output_closing()) return refuse("openssl_updateKey after openssl_closeOutput");
  return tls->put_marker(request_peer ? kUpdateBothKeysMarker : kUpdateKeyMarker);
}

int openssl_renegotiate(openssl_t* tls) {
  if (!tls->established() || tls->is_tls13())
    return refuse("openssl_renegotiate: only after a handshake of TLS 1.2 or older has finished");
  if (!tls->renegotiation_allowed()) return refuse("openssl_renegotiate: see openssl_allowRenegotiation");
  if (tls->output_closing()) return refuse("openssl_renegotiate after openssl_closeOutput");
  return tls->put_marker(kRenegotiateMarker);
}

OPENSSL_EVENT* openssl_buildFrame(openssl_t* tls, const char* buf, size_t len, size_t* taken) {
  return public_or_null(tls->framer().frame(buf, len, taken));
}
char* openssl_inputSpace(openssl_t* tls, size_t* room) { return tls->framer().space(room); }

int openssl_inputFilled(openssl_t* tls, size_t len) {
  return tls->framer().filled(len) || refuse("openssl_inputFilled: more than openssl_inputSpace gave");
}

OPENSSL_EVENT* openssl_nextFrame(openssl_t* tls) {
  if (tls->framer().has_whole()) return public_or_null(tls->framer().next());
  clear_errors();  // an entry would mean that memory was lacking
  return nullptr;
}

int openssl_queueRecord(openssl_t* tls, OPENSSL_EVENT* record_out) { return tls->queue_record(event_of(record_out)); }
size_t openssl_unsent(const openssl_t* tls) { return tls->unsent(); }
int openssl_gather(const openssl_t* tls, struct iovec* slices, int max) { return tls->gather(slices, max); }
int openssl_markSent(openssl_t* tls, size_t len) { return tls->mark_sent(len); }

unsigned int openssl_wants(const openssl_t* tls) { return tls->wants(); }
unsigned int openssl_closed(const openssl_t* tls) { return tls->closed(); }
int openssl_negotiated(const openssl_t* tls, OPENSSL_NEGOTIATED* out) { return tls->negotiated(*out); }

void openssl_setRecordPath(openssl_t* tls, int on) { tls->set_record_path(on != 0); }
void openssl_setRecordPathDefault(int on) { RecordPath::allow(on != 0); }
void openssl_recordPath(const openssl_t* tls, OPENSSL_RECORD_PATH* out) { tls->record_path(*out); }
void openssl_releaseSsl(openssl_t* tls) { tls->set_release_due(); }
void openssl_setRecords(openssl_t* tls, unsigned int flags) { tls->set_records(flags); }

void openssl_setTrace(openssl_t* tls, void (*trace)(void*, openssl_t*, int, const OPENSSL_EVENT*), void* arg) {
  tls->set_trace(trace, arg);
}
