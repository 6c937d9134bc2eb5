#pragma once
#include <functional>
#include <nlohmann/json.hpp>

#include "apps/embed_flags.h"
#include "apps/label_flags.h"
#include "apps/label_report.h"

namespace minissl {

/// The flags shared by evaluations of an encoder: training and test images, and the features to evaluate.
struct EvalFlags : EmbedFlags {
  std::string train, test, features = "backbone";
  std::vector<std::string> classes;  ///< only these; {"shared"}: those that both sets have; empty: all
  LabelFlags tables;
  bool baselines = false;

  void add_to(CLI::App& command);

  using Json = nlohmann::ordered_json;
  /// What is measured of images with a class each, and of images with several labels.
  struct Measures {
    std::function<Json(const LabelledFeatures&, const std::vector<std::string>& class_names)> classes;
    std::function<Json(const MultiLabelFeatures&)> labels;
  };
  /// Throws Error if the images are too few for what is to be measured.
  using Check = std::function<void(const Dataset& train, const Dataset& test)>;
  /// The result of one of `measures` for the features, with "n_train" and "n_test", the images that could be read; with
  /// --baselines also its results for the "untrained" network and for "pixels".
  Json evaluate(const Measures& measures, const Check& check = {}) const;

  /// Prints an evaluation as JSON, or as text: `title` and the training set, then for each encoder a line with the
  /// overall accuracy and the accuracy of each class, or a line for each label.
  void print(const Json& result, const std::string& title) const;
  /// The encoders in an evaluation: names and results.
  std::vector<std::pair<std::string, Json>> rows(const Json& result) const;

 private:
  EvaluationSets open_sets(const ModelDescription& model) const;
};

/// "top1", and "per_class" and "auc" by name, which JSON has as null where there are no figures.
EvalFlags::Json to_json(const Accuracy& accuracy, const std::vector<std::string>& class_names);

}  // namespace minissl
