#include "tests/data/fixture_files.h"

#include <charconv>
#include <fstream>

namespace minissl::test {
namespace {

std::string from_hexadecimal(const std::string& hex) {
  std::string bytes(hex.size() / 2, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) {
    uint8_t value = 0;
    std::from_chars(&hex[2 * i], &hex[2 * i] + 2, value, 16);
    bytes[i] = static_cast<char>(value);
  }
  return bytes;
}

}  // namespace

std::vector<FixtureFile> fixture_files(const std::string& prefix) {
  std::vector<FixtureFile> files;
  for (const char* name : {"images.json", "dicom.json"}) {
    std::ifstream file(std::string(MINISSL_SOURCE_DIR "/tests/fixtures/") + name);
    const auto all = nlohmann::json::parse(file);
    for (const auto& [key, entry] : all.items())
      if (key.starts_with(prefix)) files.push_back({key, from_hexadecimal(entry.at("file").get<std::string>()), entry});
  }
  return files;
}

}  // namespace minissl::test
