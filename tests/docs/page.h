// A page of the documentation, in Markdown, as tests look at it.
#ifndef TESTS_DOCS_PAGE_H
#define TESTS_DOCS_PAGE_H

#include <string>
#include <vector>

// "" if it cannot be read. Paths are those of the source tree.
std::string read_source(const std::string& path);

struct Link {
  std::string text;
  std::string path;  // of the source tree, without an anchor
};

// The links of a page in docs/ to files of this project.
std::vector<Link> links_of(const std::string& page);

// A fenced block of code under a line "<!-- path -->".
struct Excerpt {
  std::string path;
  std::string code;
};
std::vector<Excerpt> excerpts_of(const std::string& page);

#endif
