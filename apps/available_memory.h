#pragma once
#include <cstdint>
#include <filesystem>

#include "tensor/device.h"

namespace minissl {

/// Bytes of memory that a process may still take, by the files that Linux keeps below `root`: the least of what is free
/// in the machine (proc/meminfo) and in the process's control group and each group around it. Of versions 1 and 2 of
/// control groups, whichever is mounted counts, or both. A group's cached files count as free, because the kernel
/// evicts them when memory is needed.
int64_t memory_below_limits(const std::filesystem::path& root = "/");

/// Memory available to tensors of this process: memory_below_limits(), or less if the address space is limited
/// (ulimit -v); on a GPU, its free memory.
int64_t available_memory(Device device = {});

}  // namespace minissl
