// Which connections are made ready for the record path.
#ifndef EXAMPLES_HTTPS_SERVER_PATH_CHOICE_H
#define EXAMPLES_HTTPS_SERVER_PATH_CHOICE_H

#include <algorithm>
#include <cstdint>

namespace https {

// To be ready costs a connection's handshake time, for libssl then writes its secrets in hex (openssl_prepareContext); each
// answer on the path saves some. So clients that connect, ask for little and go are served faster without. What a new one will
// do is guessed from those that have gone lately.
class PathChoice {
 public:
  bool pays() const { return average_ >= kCost; }

  // A connection has ended, after so many answers with so many bytes.
  void learn(std::uint64_t answers, std::uint64_t bytes) {
    const double saved = kPerAnswer * static_cast<double>(answers) + kPerMiB * static_cast<double>(bytes) / (1 << 20);
    average_ += (std::min(saved, kMost) - average_) * kShare;
  }

 private:
  // In microseconds, as measured with AES-256-GCM on OpenSSL 3.0; only their proportions count.
  static constexpr double kCost = 28;
  static constexpr double kPerAnswer = 1;
  static constexpr double kPerMiB = 37;

  static constexpr double kMost = 4 * kCost;    // so that no connection decides for many others
  static constexpr double kShare = 1.0 / 16;    // of the latest
  double average_ = kMost;
};

}  // namespace https

#endif
