// What the server has to say to a request.
#ifndef EXAMPLES_HTTPS_SERVER_PAGES_H
#define EXAMPLES_HTTPS_SERVER_PAGES_H

#include <string>

#include "examples/https_server/request.h"
#include "examples/https_server/response.h"
#include "examples/https_server/shared.h"

namespace https {

// What a page tells about the connection it is sent on.
struct AboutConnection {
  openssl_t* tls;
  unsigned long sign_thread;  // that executed the signature of the handshake; 0: there was none
};

Answer answer_request(const Request& request, const AboutConnection& about, const Shared& shared);

}  // namespace https

#endif
