// Certificates by server name from a directory: NAME.pem holds the chain and then the key; _.example.org.pem is that of
// every name directly below example.org. Read at first use, and again when the file has changed.
#ifndef EXAMPLES_HTTPS_SERVER_LOOKUPS_CERTIFICATE_DIRECTORY_H
#define EXAMPLES_HTTPS_SERVER_LOOKUPS_CERTIFICATE_DIRECTORY_H

#include <openssl/ssl.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "examples/https_server/lookups/counters.h"

namespace https {

// Any thread.
class CertificateDirectory {
 public:
  using Context = std::shared_ptr<SSL_CTX>;
  using MakeContext = std::function<Context(const std::string& file)>;

  CertificateDirectory(std::string directory, MakeContext make_context, LookupCounters& counters);

  // From memory, if the file has been looked at within the last second. False: find() must be asked.
  bool find_known(const std::string& name, Context& context) const;
  // Looks at the file, and reads it if it is new. Blocks. nullptr: there is no certificate for this name.
  Context find(const std::string& name);

 private:
  using Clock = std::chrono::steady_clock;
  struct Version {  // of a file
    long long seconds = 0, nanoseconds = 0, size = -1, inode = 0;
    bool operator==(const Version&) const = default;
  };
  struct Entry {
    Context context;
    Version version;
    Clock::time_point seen;
  };

  Version version_of(const std::string& file) const;
  bool choose_file(const std::string& name, std::string& file, Version& version) const;
  void remember(const std::string& name, const Entry& entry);

  const std::string directory_;
  const MakeContext make_context_;
  LookupCounters& counters_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // by name; unknown ones too, as long as there are not too many
};

}  // namespace https

#endif
