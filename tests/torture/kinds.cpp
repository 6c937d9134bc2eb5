#include "tests/torture/kinds.h"

namespace minissl::torture {

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      {"kills", random_kills, "SIGKILL at random moments, up to three times"},
      {"operations", kills_at_operations, "SIGKILL before each file operation"},
      {"torn", torn_writes, "SIGKILL after half of each write"},
      {"power", power_failures, "the same as operations, and all that was not synced is lost"},
      {"memory", failed_allocations, "an allocation of each call path returns null"},
      {"storage", storage_faults, "errors and short transfers of a file's operations"},
      {"files", damaged_files, "weights, checkpoints, packs, logs and images with damaged bytes"},
      {"lines", command_lines, "hostile values for every flag of every command"},
      {"signals", signals, "what schedulers send, at any moment"},
      {"outputs", broken_outputs, "standard output and error closed, broken, full"},
      {"fuzz", fuzzed_inputs, "damaged bytes for each reader of a format, in one process"},
  };
  return all;
}

}  // namespace minissl::torture
