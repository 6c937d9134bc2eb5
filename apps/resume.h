#pragma once
#include <optional>
#include <string>

#include "apps/checkpoint.h"
#include "apps/run/run_folder.h"

namespace minissl {

/// The checkpoint that a run goes on from; nullopt: the run begins, because its folder has none or because it ended
/// before its first step.
///
/// `resume`: go on with the run in the folder. `resume_from`: go on from this checkpoint, of the run in the folder or,
/// where the folder has none, of another. With neither, a folder with a run in it is an Error.
/// Throws Error, and changes nothing, if the run's files don't allow it: the message says which is damaged or missing,
/// and names the newest good checkpoint.
std::optional<CheckpointSummary> checkpoint_to_resume(const RunFolder& folder, bool resume,
                                                      const std::string& resume_from);

}  // namespace minissl
