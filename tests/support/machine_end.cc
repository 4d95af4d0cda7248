#include "tests/support/machine_end.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace openssl_event::testing {
namespace {

void give_back(std::vector<OPENSSL_EVENT*>& kept) {
  for (OPENSSL_EVENT* e : kept) openssl_returnEvent(e);
  kept.clear();
}

void give_back_first(std::vector<OPENSSL_EVENT*>& kept) {
  OPENSSL_EVENT* e = kept.front();
  kept.erase(kept.begin());
  openssl_returnEvent(e);
}

}  // namespace

MachineEnd::MachineEnd(Ssl ssl) : tls_(openssl_new(ssl.get())) {
  if (tls_) return;
  std::fprintf(stderr, "openssl_new failed\n");
  std::abort();
}

MachineEnd::~MachineEnd() {
  free_machine();
  give_back(records);
  give_back(cleartext);
  give_back(calls);
  give_back(lookups);
}

void MachineEnd::free_machine() {
  openssl_free(tls_);
  tls_ = nullptr;
}

void MachineEnd::work() {
  while (take_one()) {
  }
}

bool MachineEnd::take_one() {
  OPENSSL_EVENT* e = openssl_getEvent(tls_);
  if (e) handle(e);
  return e != nullptr;
}

void MachineEnd::handle(OPENSSL_EVENT* e) {
  switch (e->kind) {
    case OPENSSL_RECORD_IN_KIND:
      records_returned++;
      openssl_freeEvent(e);
      break;
    case OPENSSL_CLEARTEXT_IN_KIND:
      cleartext_returned++;
      openssl_freeEvent(e);
      break;
    case OPENSSL_RECORD_OUT_KIND:
      output_.append(e->r.buf, static_cast<std::size_t>(e->r.len));
      keep_records ? records.push_back(e) : static_cast<void>(openssl_putEvent(tls_, e));
      break;
    case OPENSSL_CLEARTEXT_OUT_KIND:
      received_.append(e->c.buf, static_cast<std::size_t>(e->c.len));
      keep_cleartext ? cleartext.push_back(e) : static_cast<void>(openssl_putEvent(tls_, e));
      break;
    case OPENSSL_ENGINE_CALL_OUT_KIND:
      handle_call(e);
      break;
    case OPENSSL_LOOKUP_OUT_KIND:
      handle_lookup(e);
      break;
    case OPENSSL_STATUS_OUT_KIND:
      handle_status(e);
      break;
    default:
      std::fprintf(stderr, "unexpected kind %d\n", e->kind);
      std::abort();
  }
}

void MachineEnd::handle_call(OPENSSL_EVENT* e) {
  calls_seen++;
  if (on_call) return on_call(e);
  if (keep_calls) return calls.push_back(e);
  e->e.engine->call(e);
  openssl_putEvent(tls_, e);
}

void MachineEnd::handle_lookup(OPENSSL_EVENT* e) {
  lookups_seen++;
  if (keep_lookups) return lookups.push_back(e);
  on_lookup ? on_lookup(e) : static_cast<void>(openssl_answerDefault(e));
  openssl_putEvent(tls_, e);
}

void MachineEnd::handle_status(OPENSSL_EVENT* e) {
  statuses_.push_back({e->s.status, e->s.reason, e->s.alert_sent, e->s.alert_received, e->s.error.code, e->s.text});
  if (e->s.session && on_session) on_session(e->s.session);
  openssl_putEvent(tls_, e);
}

void MachineEnd::receive(std::string_view bytes) {
  while (!bytes.empty()) {
    std::size_t taken = 0;
    OPENSSL_EVENT* e = openssl_buildFrame(tls_, bytes.data(), bytes.size(), &taken);
    bytes.remove_prefix(taken);
    if (!e) continue;
    records_put++;
    openssl_putEvent(tls_, e);
    if (one_by_one) work();
  }
}

std::string MachineEnd::take_output() { return std::exchange(output_, {}); }

void MachineEnd::send(std::string_view data) {
  OPENSSL_EVENT* e = openssl_newCleartextInEvent(data.data(), data.size());
  if (!e) return send(data);  // an allocation was made to fail
  cleartext_put++;
  openssl_putEvent(tls_, e);
}

int MachineEnd::count(int status) const {
  return static_cast<int>(
      std::count_if(statuses_.begin(), statuses_.end(), [status](const Status& s) { return s.status == status; }));
}

const Status* MachineEnd::failure() const {
  for (const Status& status : statuses_)
    if (status.status == OPENSSL_STATUS_ERROR) return &status;
  return nullptr;
}

int MachineEnd::reason() const { return failure() ? failure()->reason : static_cast<int>(OPENSSL_REASON_NONE); }
unsigned long MachineEnd::error() const { return failure() ? failure()->code : 0; }

void MachineEnd::return_record() { give_back_first(records); }
void MachineEnd::return_cleartext() { give_back_first(cleartext); }
void MachineEnd::return_records() { give_back(records); }
void MachineEnd::return_all_cleartext() { give_back(cleartext); }

void MachineEnd::execute_and_return_calls() {
  for (OPENSSL_EVENT* e : calls) e->e.engine->call(e);
  give_back(calls);
}

}  // namespace openssl_event::testing
