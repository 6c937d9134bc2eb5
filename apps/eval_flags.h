#pragma once
#include <functional>
#include <nlohmann/json.hpp>

#include "apps/embed_flags.h"

namespace minissl {

/// What evaluations of an encoder share: the images to learn from and to test on, and the features measured.
struct EvalFlags : EmbedFlags {
  std::string train, test, features = "backbone";
  std::vector<std::string> classes;  ///< only these; empty: all
  bool baselines = false;

  void add_to(CLI::App& command);

  using Json = nlohmann::ordered_json;
  using Measure = std::function<Json(const LabelledFeatures&, const std::vector<std::string>& class_names)>;
  /// What `measure` says of the features, with "n_train" and "n_test"; with --baselines also what it says of the
  /// "untrained" network and of "pixels".
  Json evaluate(const Measure& measure) const;

  /// Prints an evaluation: as JSON, or a line of the accuracy and each class's for each of the encoders, under `title`
  /// and what there was to learn from.
  void print(const Json& result, const std::string& title) const;
  /// The encoders in an evaluation: their names, and what was measured.
  std::vector<std::pair<std::string, Json>> rows(const Json& result) const;
};

/// "top1", and "per_class" and "auc" by name.
EvalFlags::Json to_json(const Accuracy& accuracy, const std::vector<std::string>& class_names);

}  // namespace minissl
