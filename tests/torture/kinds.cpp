#include "tests/torture/kinds.h"

namespace minissl::torture {

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      {"kills", random_kills, "SIGKILL at random moments, up to three times"},
      {"operations", kills_at_operations, "SIGKILL before each file operation"},
      {"torn", torn_writes, "SIGKILL after half of each write"},
      {"power", power_failures, "the same as operations, and all that was not synced is lost"},
      {"memory", failed_allocations, "an allocation of each call path returns null"},
      {"onednn", failed_allocations_in_onednn, "the same within oneDNN", true},
  };
  return all;
}

}  // namespace minissl::torture
