// The parts of //benchmarks:record_path.
#ifndef BENCHMARKS_RECORD_PATH_PARTS_H
#define BENCHMARKS_RECORD_PATH_PARTS_H

#include <string>
#include <utility>
#include <vector>

#include "benchmarks/support/credentials.h"
#include "benchmarks/support/report.h"

namespace benchmarks {

using Figures = std::vector<std::pair<std::string, double>>;

void run_throughput(Report& report, Figures& figures, const Credentials& credentials, const Settings& settings);
void run_idle_heap(Report& report, Figures& figures, const Credentials& credentials, const Settings& settings);
// In processes of their own; where there is no memory for them it says so, and adds no figure.
void run_idle_100k(Report& report, Figures& figures, const Credentials& credentials, const Settings& settings);

}  // namespace benchmarks

#endif
