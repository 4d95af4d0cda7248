// What all connections of the server share.
#ifndef EXAMPLES_HTTPS_SERVER_SHARED_H
#define EXAMPLES_HTTPS_SERVER_SHARED_H

#include <openssl/ssl.h>

#include "adapters/loop/session.h"
#include "examples/https_server/lookups/lookups.h"
#include "examples/https_server/metrics.h"
#include "examples/https_server/options.h"

namespace https {

struct Shared {
  const Options& options;
  SSL_CTX* context;
  Lookups* lookups;
  loop::Calls calls;
  Metrics metrics;
  bool stopping = false;  // what is in flight is finished, and no more
};

}  // namespace https

#endif
