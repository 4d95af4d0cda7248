// What all connections of the server share.
#ifndef EXAMPLES_HTTPS_SERVER_SHARED_H
#define EXAMPLES_HTTPS_SERVER_SHARED_H

#include <openssl/ssl.h>

#include "adapters/loop/session.h"
#include "examples/https_server/complaints.h"
#include "examples/https_server/lookups/lookups.h"
#include "examples/https_server/metrics.h"
#include "examples/https_server/options.h"
#include "examples/https_server/path_choice.h"

namespace https {

struct Shared {
  const Options& options;
  SSL_CTX* context;
  SSL_CTX* unprepared;  // the same without the record path, for when that does not pay; nullptr: `context` is for all
  Lookups* lookups;
  loop::Calls calls;
  Metrics metrics;
  PathChoice path_choice;
  Complaints complaints;
  bool stopping = false;  // what is in flight is finished, and no more
};

}  // namespace https

#endif
