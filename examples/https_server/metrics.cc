#include "examples/https_server/metrics.h"

#include <algorithm>
#include <bit>
#include <cinttypes>
#include <cstdio>
#include <string_view>

namespace https {
namespace {

void add_header(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n");
  out.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

void add_sample(std::string& out, std::string_view name, std::string_view labels, std::uint64_t value) {
  out.append(name);
  if (!labels.empty()) out.append("{").append(labels).append("}");
  out.append(" ").append(std::to_string(value)).append("\n");
}

void add_single(std::string& out, std::string_view name, std::string_view type, std::string_view help, std::uint64_t value) {
  add_header(out, name, type, help);
  add_sample(out, name, "", value);
}

std::string seconds(std::uint64_t microseconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%" PRIu64 ".%06" PRIu64, microseconds / 1000000, microseconds % 1000000);
  return text;
}

// Bucket i ends below 2^i microseconds. Prometheus wants sums of all buckets up to each bound, and the last is open.
void add_histogram(std::string& out, std::string_view name, std::string_view labels, const OPENSSL_HISTOGRAM& h) {
  std::uint64_t sum = 0;
  for (int i = 0; i < OPENSSL_HISTOGRAM_BUCKETS; ++i) {
    sum += h.buckets[i];
    const bool last = i + 1 == OPENSSL_HISTOGRAM_BUCKETS;
    const std::string bound = last ? "+Inf" : seconds(std::uint64_t{1} << i);
    const std::string all_labels = std::string(labels).append(",le=\"").append(bound).append("\"");
    add_sample(out, std::string(name).append("_bucket"), all_labels, sum);
  }
  out.append(name).append("_sum{").append(labels).append("} ").append(seconds(h.sum_microseconds)).append("\n");
  add_sample(out, std::string(name).append("_count"), labels, h.count);
}

std::string failure_labels(bool in_handshake, std::string_view reason, std::string_view alert, std::string_view sender) {
  std::string labels = in_handshake ? "phase=\"handshake\"" : "phase=\"data\"";
  labels.append(",reason=\"").append(reason).append("\",alert=\"").append(alert);
  return labels.append("\",sender=\"").append(sender).append("\"");
}

std::string path_label(int path) { return std::string("path=\"").append(openssl_pathName(path)).append("\""); }

// operation="sign",executed="worker"
std::string call_labels(int operation, bool by_worker) {
  std::string name = openssl_operationName(operation);
  for (char& c : name) c = static_cast<char>(c | 0x20);
  return "operation=\"" + name + "\",executed=\"" + (by_worker ? "worker" : "inline") + "\"";
}

}  // namespace

void Metrics::add_failure(const OPENSSL_STATUS& status, bool in_handshake) {
  const bool sent = status.alert_sent >= 0;
  const int alert = sent ? status.alert_sent : status.alert_received;
  const char* name = alert >= 0 ? SSL_alert_desc_string_long(alert) : "none";
  const char* sender = alert < 0 ? "none" : sent ? "server" : "client";
  ++failures[failure_labels(in_handshake, openssl_reasonName(status.reason), name, sender)];
}

void Metrics::add_abandoned_handshake(const char* why) { ++failures[failure_labels(true, why, "none", "none")]; }

void Metrics::add_request(const openssl_t* tls) {
  OPENSSL_RECORD_PATH path = {};
  openssl_recordPath(tls, &path);
  ++requests[path.receives];
}

void Metrics::add_call(const OPENSSL_ENGINE_CALL& call, bool by_worker) {
  if (call.optype <= OPENSSL_OPERATION_DECAPSULATE) ++calls[call.optype][by_worker];
}

void Metrics::add_inline_run(std::chrono::nanoseconds duration) {
  const auto microseconds = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
  const auto bucket = std::min<int>(std::bit_width(microseconds), OPENSSL_HISTOGRAM_BUCKETS - 1);
  ++inline_run.count;
  inline_run.sum_microseconds += microseconds;
  ++inline_run.buckets[bucket];
}

std::string Metrics::to_text(const openssl_workers_t* workers) const {
  std::string out;
  add_single(out, "openssl_event_connections_open", "gauge", "Connections that are open now.", open);
  add_single(out, "openssl_event_connections_accepted_total", "counter", "Connections accepted.", accepted);
  add_single(out, "openssl_event_handshakes_total", "counter", "Handshakes finished, resumptions included.", handshakes);
  add_single(out, "openssl_event_resumptions_total", "counter", "Handshakes that resumed a session.", resumptions);
  add_header(out, "openssl_event_requests_total", "counter", "HTTP requests answered, by who opened their records.");
  for (int path = OPENSSL_PATH_LIBSSL; path <= OPENSSL_PATH_DIRECT; ++path)
    add_sample(out, "openssl_event_requests_total", path_label(path), requests[path]);

  add_header(out, "openssl_event_failures_total", "counter",
             "Connections ended by an error, by phase, reason, alert, and which side sent the alert.");
  for (const auto& [labels, count] : failures) add_sample(out, "openssl_event_failures_total", labels, count);

  add_header(out, "openssl_event_engine_calls_total", "counter", "Expensive operations executed, by where.");
  for (int operation = OPENSSL_OPERATION_SIGN; operation <= OPENSSL_OPERATION_DECAPSULATE; ++operation)
    for (const bool by_worker : {false, true})
      add_sample(out, "openssl_event_engine_calls_total", call_labels(operation, by_worker), calls[operation][by_worker]);

  OPENSSL_WORKERS_STATISTICS pool = {};
  pool.size = sizeof pool;
  if (workers) openssl_workersStatistics(workers, &pool);
  OPENSSL_HISTOGRAM no_wait = {};  // a call that is executed in place waits for nothing
  no_wait.count = no_wait.buckets[0] = inline_run.count;
  add_header(out, "openssl_event_engine_call_wait_seconds", "histogram", "From the call to the beginning of its execution.");
  add_histogram(out, "openssl_event_engine_call_wait_seconds", "executed=\"inline\"", no_wait);
  add_histogram(out, "openssl_event_engine_call_wait_seconds", "executed=\"worker\"", pool.wait);
  add_header(out, "openssl_event_engine_call_run_seconds", "histogram", "Execution of a call.");
  add_histogram(out, "openssl_event_engine_call_run_seconds", "executed=\"inline\"", inline_run);
  add_histogram(out, "openssl_event_engine_call_run_seconds", "executed=\"worker\"", pool.run);

  add_single(out, "openssl_event_workers", "gauge", "Threads of the pool.", pool.threads);
  add_single(out, "openssl_event_workers_queued", "gauge", "Calls that wait for a worker now.", pool.queued);
  add_single(out, "openssl_event_workers_running", "gauge", "Calls with a worker now.", pool.running);
  add_single(out, "openssl_event_workers_refused_total", "counter", "Calls that found the queue full.", pool.refused);
  add_single(out, "openssl_event_workers_left_total", "counter", "Calls that were too short for a worker.", pool.left);
  add_single(out, "openssl_event_workers_cancelled_total", "counter", "Calls whose connection ended before they began.", pool.cancelled);
  return out;
}

}  // namespace https
