#pragma once
#include <string>

namespace minissl {

enum class DeviceType : unsigned char { cpu, cuda };

/// The memory that holds a tensor's bytes.
struct Device {
  DeviceType type = DeviceType::cpu;
  int index = 0;

  /// "cpu", "cuda:0"
  std::string str() const { return type == DeviceType::cpu ? "cpu" : "cuda:" + std::to_string(index); }
  friend bool operator==(const Device&, const Device&) = default;
};

}  // namespace minissl
