// What a group of benchmarks prints: rows of a table for people, figures for scripts, progress on stderr.
#ifndef BENCHMARKS_SUPPORT_REPORT_H
#define BENCHMARKS_SUPPORT_REPORT_H

#include <cstdio>
#include <initializer_list>
#include <string>

namespace benchmarks {

struct Settings {
  std::string only;    // substring of the figures that are wanted; empty: all
  bool quick = false;  // as few rounds as prove that everything runs

  bool wants(const char* figure) const { return std::string(figure).find(only) != std::string::npos; }
  int rounds(int full, int least) const { return quick ? least : full; }
};

class Report {
 public:
  // Figures go to `figures`, a line of name and value each.
  explicit Report(std::FILE* figures) : figures_(figures) {}

  // Begins a table.
  void title(const char* text);
  // A line of it; the first cell is the row's name.
  void row(std::initializer_list<std::string> cells);
  // A figure; unwanted ones are left out by who prints them.
  void figure(const char* name, double value);

 private:
  std::FILE* figures_;
};

std::string number(double value, int decimals = 1, const char* unit = "");

// On stderr: what is being done, and how far it is. Shown a few times a second at most.
class Progress {
 public:
  Progress(const char* what, int steps);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void step();

 private:
  void show() const;

  const char* what_;
  int steps_;
  int done_ = 0;
  long long shown_ = 0;
  bool terminal_;
};

}  // namespace benchmarks

#endif
