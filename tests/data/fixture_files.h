#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace minissl::test {

/// A small image file of tests/fixtures, and what is read from it (tests/fixtures/README.md).
struct FixtureFile {
  std::string name, bytes;
  nlohmann::json expected;  ///< shape, pixels, white, tolerance; or refused

  bool is_refused() const { return expected.contains("refused"); }
};

/// The files of images.json and dicom.json whose names begin with `prefix`.
std::vector<FixtureFile> fixture_files(const std::string& prefix = "");

}  // namespace minissl::test
