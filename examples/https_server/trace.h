// --trace: one line for each event.
#ifndef EXAMPLES_HTTPS_SERVER_TRACE_H
#define EXAMPLES_HTTPS_SERVER_TRACE_H

#include "openssl_event/openssl_event.h"

namespace https {

// For openssl_setTrace; `connection_number` is what `arg` points to, an unsigned long.
void print_event(void* connection_number, openssl_t* tls, int direction, const OPENSSL_EVENT* e);

}  // namespace https

#endif
