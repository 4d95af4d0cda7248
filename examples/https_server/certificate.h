// The SSL_CTX of the server: certificate, key, protocol, ALPN.
#ifndef EXAMPLES_HTTPS_SERVER_CERTIFICATE_H
#define EXAMPLES_HTTPS_SERVER_CERTIFICATE_H

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "examples/https_server/options.h"

namespace https {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPointer = std::unique_ptr<SSL_CTX, FreeContext>;

// Sessions are resumed within it only (SSL_CTX_set_session_id_context).
inline constexpr char kSessionIdContext[] = "https_server";

// nullptr: `error` says why, and what to do.
ContextPointer make_context(const Options& options, std::string& error);

// The same but for the record path: certificate, key and the keys of tickets are those of `prepared`.
ContextPointer make_unprepared(SSL_CTX* prepared, const Options& options, std::string& error);

}  // namespace https

#endif
