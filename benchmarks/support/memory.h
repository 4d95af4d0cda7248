// Memory of this process.
#ifndef BENCHMARKS_SUPPORT_MEMORY_H
#define BENCHMARKS_SUPPORT_MEMORY_H

#include <malloc.h>
#include <unistd.h>

#include <cstdio>

#include "benchmarks/support/credentials.h"

namespace benchmarks {

// In use on the heap, of the main arena; bytes.
inline double heap() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

// Resident; bytes.
inline double resident_memory() {
  long pages = 0, resident_pages = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  require(file && std::fscanf(file, "%ld %ld", &pages, &resident_pages) == 2, "reading /proc/self/statm");
  std::fclose(file);
  return static_cast<double>(resident_pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

}  // namespace benchmarks

#endif
