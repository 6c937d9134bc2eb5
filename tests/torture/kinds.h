#pragma once
#include "tests/torture/tally.h"

/// The kinds of attacks, a file each. README.md says what each does and what it demands.
namespace minissl::torture {

Tally random_kills(const Plan& plan);
Tally kills_at_operations(const Plan& plan);
Tally torn_writes(const Plan& plan);
Tally power_failures(const Plan& plan);
Tally failed_allocations(const Plan& plan);
Tally storage_faults(const Plan& plan);
Tally damaged_files(const Plan& plan);
Tally command_lines(const Plan& plan);
Tally signals(const Plan& plan);
Tally broken_outputs(const Plan& plan);
Tally fuzzed_inputs(const Plan& plan);

struct Kind {
  const char* name;
  Tally (*attack)(const Plan& plan);
  const char* help;
};
const std::vector<Kind>& kinds();

}  // namespace minissl::torture
