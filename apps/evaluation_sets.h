#pragma once
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace minissl {

/// Labelled images to learn from and to test on.
struct EvaluationSets {
  std::shared_ptr<const Dataset> train, test;
};

/// What the user asked for, and the flags that said it.
struct EvaluationRequest {
  std::string train, test;           ///< values of the flags
  std::vector<std::string> classes;  ///< only these; {"shared"}: those that both sets have; empty: all
  std::string prefix = {};           ///< of the flags: --train, or --eval-train
};

/// Whether two values of flags name the same place.
bool same_data(const std::string& a, const std::string& b);

/// The names in a flag's value, a,b,c; none for an empty one. Throws Error for a list with an empty or a repeated name.
std::vector<std::string> list_of_classes(const std::string& value);

/// Makes sure, before any image is decoded, that the sets can be compared: the same classes in the same order, and a
/// label for every image. Throws Error that names what differs, and the flag that settles it. Says on standard error
/// what `classes` leaves out, and warns of sets that are the same.
EvaluationSets evaluation_sets(std::shared_ptr<const Dataset> train, std::shared_ptr<const Dataset> test,
                               const EvaluationRequest& request);

}  // namespace minissl
