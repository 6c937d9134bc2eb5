#include "apps/available_memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <vector>

#include "tensor/control_groups.h"
#include "tensor/cuda/device.h"
#include "tensor/memory.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

// The number after `key` at the beginning of a line; 0 if no line of the file begins with it.
int64_t number_after(const fs::path& file, const std::string& key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(key)) return std::strtoll(line.c_str() + key.size(), nullptr, 10);
  return 0;
}
int64_t kilobytes_in(const fs::path& file, const std::string& key) { return number_after(file, key + ":") << 10; }

std::optional<int64_t> number_in(const fs::path& file) {
  std::ifstream in(file);
  int64_t value = 0;
  if (in >> value) return value;
  return std::nullopt;  // no such file, or "max"
}

// The names of the files of one version of control groups.
struct GroupFiles {
  std::vector<const char*> limits;
  const char *usage, *cached;  // `cached` is a line of memory.stat
};
const GroupFiles version_1{{"memory.limit_in_bytes"}, "memory.usage_in_bytes", "total_inactive_file "};
const GroupFiles version_2{{"memory.max", "memory.high"}, "memory.current", "inactive_file "};

int64_t free_in_group(const fs::path& group, const GroupFiles& files) {
  constexpr int64_t none = std::numeric_limits<int64_t>::max();
  int64_t limit = none;
  for (const char* name : files.limits) limit = std::min(limit, number_in(group / name).value_or(none));
  if (limit > none / 2) return none;  // version 1 has a number for no limit: the largest multiple of a page
  return limit - number_in(group / files.usage).value_or(0) + number_after(group / "memory.stat", files.cached);
}

}  // namespace

int64_t memory_below_limits(const fs::path& root) {
  int64_t free = kilobytes_in(root / "proc/meminfo", "MemAvailable");
  for_each_control_group(root, "memory", [&](const fs::path& group, ControlGroups version) {
    free = std::min(free, free_in_group(group, version == ControlGroups::version_1 ? version_1 : version_2));
  });
  return std::max<int64_t>(free, 0);
}

int64_t available_memory(Device device) {
  // Memory reserved by the allocator counts as used, but is available to tensors.
  if (device.type == DeviceType::cuda) return cuda::properties(device).free_memory + allocator(device).usage().reserved;
  int64_t free = memory_below_limits();
  rlimit address_space{};
  getrlimit(RLIMIT_AS, &address_space);
  if (address_space.rlim_cur != RLIM_INFINITY)
    free = std::min(free, static_cast<int64_t>(address_space.rlim_cur) - kilobytes_in("/proc/self/status", "VmSize"));
  return std::max<int64_t>(free, 0);
}

}  // namespace minissl
