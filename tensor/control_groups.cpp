#include "tensor/control_groups.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <vector>

namespace minissl {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

bool lists(const std::string& comma_separated, const std::string& name) {
  const std::vector<std::string> parts = split(comma_separated, ',');
  return std::find(parts.begin(), parts.end(), name) != parts.end();
}

/// The process's group as proc/self/cgroup names it.
std::optional<std::string> own_group(const fs::path& root, const std::string& controller, ControlGroups version) {
  std::ifstream in(root / "proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {  // "4:memory:/path", and "0::/path" for version 2
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (version == ControlGroups::version_1 ? lists(controllers, controller) : line.starts_with("0::"))
      return line.substr(second + 1);
  }
  return std::nullopt;
}

}  // namespace

void for_each_control_group(const fs::path& root, const std::string& controller,
                            const std::function<void(const fs::path&, ControlGroups)>& f) {
  std::ifstream mounts(root / "proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    // "ID PARENT DEVICE ROOT MOUNT OPTIONS... - TYPE SOURCE SUPER_OPTIONS"
    const std::vector<std::string> fields = split(line, ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 5 || fields.end() - dash < 4) continue;
    const bool is_version_1 = dash[1] == "cgroup" && lists(dash[3], controller);
    if (!is_version_1 && dash[1] != "cgroup2") continue;
    const ControlGroups version = is_version_1 ? ControlGroups::version_1 : ControlGroups::version_2;
    const auto own = own_group(root, controller, version);
    if (!own) continue;
    // The folder `mounted` shows the group `top` and those inside. In a container the process may be shown the groups
    // of its own namespace only.
    const fs::path mounted = root / fs::path(fields[4]).relative_path(), top = fields[3];
    fs::path inside = fs::path(*own).lexically_relative(top);
    if (inside.empty() || *inside.begin() == "..") inside = ".";
    f(mounted, version);
    fs::path group = mounted;
    for (const fs::path& part : inside) f(group /= part, version);
  }
}

double processors_below_limits(const fs::path& root) {
  constexpr double none = std::numeric_limits<double>::infinity();
  double least = none;
  for_each_control_group(root, "cpu", [&](const fs::path& group, ControlGroups version) {
    // The group may use `quota` microseconds of processor time in every `period`; "max" and -1 mean no limit.
    double quota = 0, period = 0;
    if (version == ControlGroups::version_1) {
      std::ifstream(group / "cpu.cfs_quota_us") >> quota;
      std::ifstream(group / "cpu.cfs_period_us") >> period;
    } else {
      std::ifstream(group / "cpu.max") >> quota >> period;
    }
    if (quota > 0 && period > 0) least = std::min(least, quota / period);
  });
  return least;
}

}  // namespace minissl
