// Tens of thousands of handshakes in a non-blocking loop: no growth in memory, descriptors or threads.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "compat/statistics.h"
#include "tests/compat/peers.h"

namespace openssl_event::testing {
namespace {

long entries(const char* folder) {
  long count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

long resident_kilobytes() {
  long total = 0, resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (std::fscanf(file, "%ld %ld", &total, &resident) != 2) resident = -1;
  std::fclose(file);
  return resident * sysconf(_SC_PAGESIZE) / 1024;
}

// Every tenth ends while its operation is out.
void handshakes(int count) {
  for (int i = 0; i < count; ++i) {
    Peers peers(i % 2 ? TLS1_2_VERSION : TLS1_3_VERSION);
    if (i % 10 == 9)
      peers.accept_until_it_signs();
    else
      ASSERT_TRUE(peers.connect());
  }
}

TEST(Soak, HandshakesLeaveNothingBehind) {
  handshakes(3000);
  const long memory = resident_kilobytes(), descriptors = entries("/proc/self/fd"), threads = entries("/proc/self/task");
  handshakes(25000);
  EXPECT_EQ(entries("/proc/self/fd"), descriptors);
  EXPECT_EQ(entries("/proc/self/task"), threads);
  EXPECT_LT(resident_kilobytes(), memory + 4096);
  EXPECT_EQ(compat::statistics().calls, 28000u);
}

}  // namespace
}  // namespace openssl_event::testing
