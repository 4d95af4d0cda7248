// When and where the statistics are written: at exit, and when OPENSSL_EVENT_STATS_SIGNAL comes.
#ifndef COMPAT_REPORT_H
#define COMPAT_REPORT_H

namespace openssl_event::compat {

// The program makes TLS connections, so that there is something to report at exit.
void note_tls_is_used() noexcept;

// Takes the signal, if one is set and the program has no handler for it. Any thread, any number of times.
void prepare_report() noexcept;

// With the pool: starts the thread that writes when the signal has come.
void report_on_request() noexcept;
// In a forked child, which has no such thread.
void report_after_fork() noexcept;

}  // namespace openssl_event::compat

#endif
