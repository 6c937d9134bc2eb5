#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace minissl {

struct CsvRow {
  std::vector<std::string> fields;
  int64_t line = 0;  ///< where it begins, from 1
};

/// Calls `use` for each row of a file of comma-separated values (RFC 4180, libcsv): quoted fields, line ends of any
/// kind, with or without a mark of UTF-8 at its begin. Empty lines are passed over. Throws Error with the line for
/// quotes that aren't closed or stand within a field.
void for_each_csv_row(const std::filesystem::path& path, const std::function<void(const CsvRow&)>& use);

/// A field as it is written: quoted if it has to be.
std::string csv_field(const std::string& text);

}  // namespace minissl
