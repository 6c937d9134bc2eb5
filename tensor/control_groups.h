#pragma once
#include <filesystem>
#include <functional>
#include <string>

namespace minissl {

/// Versions of Linux's control groups, which limit the processes in them. Their files have different names.
enum class ControlGroups { version_1, version_2 };

/// Calls f(folder, version) for this process's group in each hierarchy that has `controller` ("memory", "cpu"), and for
/// each group around it, by the files that Linux keeps below `root`. Of both versions, whichever is mounted counts, or
/// both.
void for_each_control_group(const std::filesystem::path& root, const std::string& controller,
                            const std::function<void(const std::filesystem::path&, ControlGroups)>& f);

/// The processors that the groups let this process use at a time (cpu.max, or cpu.cfs_quota_us); infinite without a
/// limit.
double processors_below_limits(const std::filesystem::path& root = "/");

}  // namespace minissl
