// An HTTPS server whose private-key operations run on worker threads: one network thread, which never computes a
// signature, and a pool. Start at adapters/loop/session.cc: there the events go where they must.
//
//     https_server [--port N] [--workers N] ...     see --help
//     curl -k https://127.0.0.1:8443/
#include "examples/https_server/epoll_loop.h"
#include "examples/https_server/program.h"

int main(int argc, char** argv) {
  return https::run_program("https_server", argc, argv, [](https::Shared& shared, int listener, int signals, std::string&) {
    return std::unique_ptr<https::Server>(new https::EpollLoop(shared, listener, signals));
  });
}
