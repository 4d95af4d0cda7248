#include "examples/https_server/lookups/counters.h"

#include <initializer_list>

namespace https {
namespace {

struct Sample {
  const char* result;
  const LookupCounters::Counter& value;
};

void add(std::string& out, const std::string& name, const char* help, std::initializer_list<Sample> samples) {
  out += "# HELP " + name + " " + help + "\n# TYPE " + name + " counter\n";
  for (const Sample& sample : samples)
    out += name + "{result=\"" + sample.result + "\"} " + std::to_string(sample.value.load(std::memory_order_relaxed)) +
           "\n";
}

}  // namespace

std::string LookupCounters::to_text() const {
  std::string out;
  add(out, "openssl_event_session_lookups_total", "Sessions asked of the shared cache.",
      {{"hit", session_hits}, {"miss", session_misses}, {"failed", session_failures}, {"refused", session_refused}});
  add(out, "openssl_event_session_stores_total", "Sessions given to the shared cache, and taken out of it.",
      {{"stored", sessions_stored},
       {"removed", sessions_removed},
       {"failed", store_failures},
       {"refused", stores_refused}});
  add(out, "openssl_event_certificates_total", "Certificates by server name.",
      {{"loaded", certificates_loaded}, {"failed", certificate_failures}, {"unknown", names_unknown}});
  add(out, "openssl_event_staples_total", "OCSP responses fetched and sent.",
      {{"fetched", staples_fetched}, {"failed", staple_failures}, {"sent", staples_served}});
  add(out, "openssl_event_ticket_keys_total",
      "Reads of the file of ticket keys, and tickets under a key that is not in it.",
      {{"loaded", ticket_key_loads}, {"failed", ticket_key_failures}, {"unknown", tickets_unknown}});
  return out;
}

}  // namespace https
