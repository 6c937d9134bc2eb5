#pragma once
#include <atomic>
#include <cstdint>

/// What the shim and whoever preloads it agree on: the environment that tells it what to do, and the file, mapped by
/// both, in which it counts. Counts in a mapped file outlive a process that is killed.
namespace minissl::faults {

/// A file of sizeof(Record) zeros that the shim maps and fills. Without it the shim does nothing.
inline constexpr const char* record_variable = "FAULTS_RECORD";

// ---- Files ----

/// The path to attack: the shim counts operations on it and on files below it, and ignores all others.
inline constexpr const char* below_variable = "FAULTS_BELOW";
/// The letters (Operation) of the operations to count; all if unset.
inline constexpr const char* operations_variable = "FAULTS_OPERATIONS";
/// The number, from 1, of the operation at which something happens.
inline constexpr const char* at_variable = "FAULTS_AT";
/// What happens: `kill` (SIGKILL before the operation), `torn` (SIGKILL after half of a write), `short` (half of a read
/// or a write is done), `zero` (a write says that it wrote nothing), or the number of an errno.
inline constexpr const char* action_variable = "FAULTS_ACTION";
/// If set, it happens to all later operations as well.
inline constexpr const char* repeat_variable = "FAULTS_REPEAT";
/// A folder that follows what a disk would hold if the power failed now: see durable.h.
inline constexpr const char* durable_variable = "FAULTS_DURABLE";

enum class Operation : char {
  open = 'o',
  read = 'r',
  map = 'm',
  write = 'w',
  sync = 's',
  rename = 'n',
  unlink = 'u',
  truncate = 't',
  mkdir = 'd',
  close = 'c'
};

// ---- Memory ----

/// The number, from 1, of the allocation after the start of main() that returns null.
inline constexpr const char* allocation_variable = "FAULTS_ALLOCATION";
/// Instead: the call path (Record::paths) whose first allocation returns null. Run without address randomisation.
inline constexpr const char* path_variable = "FAULTS_PATH";
/// If set, all later allocations return null as well.
inline constexpr const char* exhausted_variable = "FAULTS_EXHAUSTED";
/// If set, the call paths of all allocations are recorded.
inline constexpr const char* list_paths_variable = "FAULTS_LIST_PATHS";
/// If set, the stack at the allocation that fails, and at a crash, is written to standard error.
inline constexpr const char* trace_variable = "FAULTS_TRACE";

struct Record {
  struct Entry {
    char operation;
    char file[47];  ///< the end of its path
  };
  static constexpr uint32_t most_operations = 1 << 15, most_paths = 1 << 15;

  std::atomic<uint32_t> operations;  ///< counted so far
  std::atomic<uint32_t> fired;       ///< how often something happened
  std::atomic<uint64_t> allocations;
  Entry trace[most_operations];             ///< the operations that were counted
  std::atomic<uint64_t> paths[most_paths];  ///< hashes of the stacks of allocations; a hash table with zeros between
};

}  // namespace minissl::faults
