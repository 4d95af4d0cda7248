// Latencies measured against several servers, side by side: a table and a histogram, as text.
#ifndef EXAMPLES_LATENCY_REPORT_H
#define EXAMPLES_LATENCY_REPORT_H

#include <cstddef>
#include <string>
#include <vector>

struct Measurement {
  std::string name;                   // of the server
  std::size_t handshakes = 0;         // of the storm, finished ...
  std::size_t failed_handshakes = 0;  // ... and not
  double seconds = 0;                 // that it took
  std::vector<double> latencies;      // of the requests beside it, in milliseconds
};

void print_table(const std::vector<Measurement>& measurements);
void print_histogram(const std::vector<Measurement>& measurements);

#endif
