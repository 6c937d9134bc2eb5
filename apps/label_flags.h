#pragma once
#include <memory>
#include <string>

#include "apps/evaluation_sets.h"
#include "apps/flags.h"
#include "data/labels/labelled_images.h"

namespace minissl {

/// The flags for tables of labels.
struct LabelFlags {
  std::string labels, test_labels;  ///< files; test_labels empty: one table has both sides
  std::string uncertain = "ignore";

  void add_to(CLI::App& command);
  void add_test_labels(CLI::App& command);
  LabelTable read(const std::string& file) const;
};

/// open_data(), and if the flags name a table, the images that are listed in it, with their labels. Says what was left
/// out.
std::unique_ptr<Dataset> open_labelled_data(const std::string& spec, int64_t channels, uint64_t seed, int max_value,
                                            const LabelFlags& flags);

/// Images that may have several labels, to learn from and to test on: the same labels in the same order, and no patient
/// on both sides. Throws Error otherwise. Says what was left out, and warns of images that are on both sides.
EvaluationSets multi_label_sets(std::shared_ptr<const Dataset> train, std::shared_ptr<const Dataset> test,
                                const EvaluationRequest& request, const LabelFlags& flags);

}  // namespace minissl
