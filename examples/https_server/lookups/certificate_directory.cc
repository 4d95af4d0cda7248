#include "examples/https_server/lookups/certificate_directory.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace https {
namespace {

constexpr auto kBelieved = std::chrono::seconds(1);
constexpr std::size_t kMostNames = 10'000;
constexpr std::size_t kLongestName = 253;  // RFC 1035 3.1, without the length bytes

// A client says the name: nothing but a host name becomes part of a path. "" is none.
std::string host_name(std::string name) {
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
  if (!plain || name.empty() || name.size() > kLongestName || name[0] == '.' || name.find("..") != name.npos) return "";
  return name;
}

}  // namespace

CertificateDirectory::CertificateDirectory(std::string directory, MakeContext make_context, LookupCounters& counters)
    : directory_(std::move(directory)), make_context_(std::move(make_context)), counters_(counters) {}

bool CertificateDirectory::find_known(const std::string& given, Context& context) const {
  const std::string name = host_name(given);
  if (name.empty()) return true;
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end() || Clock::now() - found->second.seen > kBelieved) return false;
  context = found->second.context;
  return true;
}

CertificateDirectory::Context CertificateDirectory::find(const std::string& given) {
  const std::string name = host_name(given);
  if (name.empty()) return nullptr;
  Entry entry;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = entries_.find(name); found != entries_.end()) entry = found->second;
  }
  std::string file;
  Version version;
  const bool exists = choose_file(name, file, version);
  if (!exists) {
    entry = {};
  } else if (!(version == entry.version)) {
    // A file that is being written, or is wrong, leaves what was there before; it is tried again when it has changed.
    const Context made = make_context_(file);
    ++(made ? counters_.certificates_loaded : counters_.certificate_failures);
    if (made) entry.context = made;
    entry.version = version;
  }
  entry.seen = Clock::now();
  remember(name, entry);
  return entry.context;
}

// The name's own file, or that of its domain.
bool CertificateDirectory::choose_file(const std::string& name, std::string& file, Version& version) const {
  const std::size_t dot = name.find('.');
  for (const std::string& stem : {name, dot == name.npos ? std::string() : "_" + name.substr(dot)}) {
    if (stem.empty()) continue;
    file = directory_ + "/" + stem + ".pem";
    version = version_of(file);
    if (version.size >= 0) return true;
  }
  return false;
}

CertificateDirectory::Version CertificateDirectory::version_of(const std::string& file) const {
  struct stat status = {};
  if (stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  return {status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_size, static_cast<long long>(status.st_ino)};
}

void CertificateDirectory::remember(const std::string& name, const Entry& entry) {
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= kMostNames) std::erase_if(entries_, [](const auto& known) { return !known.second.context; });
  if (entries_.size() >= kMostNames && !entry.context) return;
  entries_[name] = entry;
}

}  // namespace https
