// Names of this process's threads, for people.
#ifndef EXAMPLES_HTTPS_SERVER_THREADS_H
#define EXAMPLES_HTTPS_SERVER_THREADS_H

#include <string>

namespace https {

// Who has the number `thread` (gettid): "network thread" for the caller, else as the thread calls itself.
std::string thread_name(unsigned long thread);

}  // namespace https

#endif
