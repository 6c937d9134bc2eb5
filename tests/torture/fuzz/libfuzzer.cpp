#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>

#include "tensor/atomic_file.h"
#include "tests/torture/fuzz/targets.h"

/// The same entry points for libFuzzer. MINISSL_FUZZ names the target; its seeds are written to MINISSL_CORPUS.
/// Without a name, it prints which there are.
namespace {

const minissl::fuzz::Target& chosen() {
  static const minissl::fuzz::Target& target = minissl::fuzz::target(std::getenv("MINISSL_FUZZ"));
  return target;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  if (std::getenv("MINISSL_FUZZ") == nullptr) {
    for (const minissl::fuzz::Target& target : minissl::fuzz::targets()) fmt::print("{}\n", target.name);
    std::exit(0);
  }
  const std::filesystem::path corpus = std::getenv("MINISSL_CORPUS");
  int number = 0;
  for (const std::string& seed : chosen().seeds())
    minissl::write_file(corpus / ("seed-" + std::to_string(number++)), seed);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t count) {
  minissl::fuzz::try_to_read(chosen(), std::string(reinterpret_cast<const char*>(bytes), count));
  return 0;
}
