// The program around the loop: flags, certificate, listener, workers, signals.
#ifndef EXAMPLES_HTTPS_SERVER_PROGRAM_H
#define EXAMPLES_HTTPS_SERVER_PROGRAM_H

#include <memory>
#include <string>

#include "examples/https_server/server.h"

namespace https {

// Makes the server with its loop; takes both descriptors. nullptr: `error` says why, and what to do.
using MakeServer = std::unique_ptr<Server> (*)(Shared& shared, int listener, int signals, std::string& error);

// All of main() for a server of this name. Returns the exit status.
int run_program(const char* name, int argc, char** argv, MakeServer make_server);

}  // namespace https

#endif
