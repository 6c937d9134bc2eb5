#pragma once
#include <string>
#include <vector>

#include "apps/run/named_run.h"

namespace minissl {

struct LabelledText {
  std::string label, text;
};

/// Two runs that differ in only one setting that can change the figures. Any difference between their results comes
/// from that setting or from chance.
struct Contrast {
  std::string key;                   ///< "variance-weight"
  std::string from_value, to_value;  ///< in ascending order: off before on, plain before split
  size_t from = 0, to = 0;           ///< indices of the runs
};

struct Contrasts {
  std::vector<Contrast> pairs;             ///< by key, in the order of the configuration
  std::vector<std::string> only_together;  ///< settings that never differ alone, so that their effect is unknown
};
/// Contrasts over all pairs of runs with a configuration.
Contrasts contrasts_between(const std::vector<NamedRun>& runs);

/// "What the variance term changed".
std::string contrast_heading(const std::string& key);

/// Compares the second run with the first at the last epoch that the monitor measured in both: for each space std and
/// its parts from norms and directions, rank and cosine; whether they collapsed; kNN accuracy.
std::vector<LabelledText> texts_on(const Contrast& contrast, const std::vector<NamedRun>& runs);

}  // namespace minissl
