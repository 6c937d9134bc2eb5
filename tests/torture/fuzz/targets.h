#pragma once
#include <string>
#include <vector>

/// What reads bytes that it must not trust: one entry point for each format.
namespace minissl::fuzz {

struct Target {
  const char* name;
  /// Files that are read without complaint, made by code.
  std::vector<std::string> (*seeds)();
  /// Reads these bytes. Throws Error for what it refuses; everything else that leaves it is a fault.
  void (*read)(const std::string& bytes);
};

const std::vector<Target>& targets();
/// Throws Error if there is none of that name.
const Target& target(const std::string& name);

/// Reads, and takes a refusal for an answer.
void try_to_read(const Target& target, const std::string& bytes);

}  // namespace minissl::fuzz
