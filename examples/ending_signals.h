// SIGTERM and SIGINT for an event loop.
#ifndef EXAMPLES_ENDING_SIGNALS_H
#define EXAMPLES_ENDING_SIGNALS_H

// A non-blocking signalfd of both, which are blocked from here on: one that comes between two waits is not lost. SIGPIPE
// is ignored. To be called before any thread begins, so that all of them block these signals. -1: errno says why.
int open_ending_signals();

#endif
