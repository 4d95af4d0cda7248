#include "tests/docs/page.h"

#include <fstream>
#include <regex>
#include <sstream>

std::string read_source(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<Link> links_of(const std::string& page) {
  static const std::regex link(R"(\[([^\]]+)\]\(([^)#:]+)(#[^)]*)?\))");
  std::vector<Link> links;
  for (std::sregex_iterator i(page.begin(), page.end(), link), end; i != end; ++i) {
    const std::string target = (*i)[2];
    links.push_back({(*i)[1], target.rfind("../", 0) == 0 ? target.substr(3) : "docs/" + target});
  }
  return links;
}

std::vector<Excerpt> excerpts_of(const std::string& page) {
  std::vector<Excerpt> excerpts;
  std::istringstream lines(page);
  std::string path;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("<!-- ", 0) == 0) path = line.substr(5, line.rfind(" -->") - 5);
    if (line.rfind("```", 0) != 0) continue;
    excerpts.push_back({path, ""});
    path.clear();
    while (std::getline(lines, line) && line != "```") excerpts.back().code += line + "\n";
  }
  return excerpts;
}
