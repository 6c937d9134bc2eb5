#pragma once
#include <nlohmann/json.hpp>

#include "apps/features.h"
#include "data/dataset.h"
#include "eval/multi_label.h"

namespace minissl {

/// Features in one space ("backbone") of two data sets whose images may have several labels. Throws Error if the
/// encoder has no such space.
MultiLabelFeatures multi_labelled(const Dataset& train, const Features& train_features, const Dataset& test,
                                  const Features& test_features, const std::string& space);

/// {"auc": {label: {"auc", "low", "high", "n_positive", "n_negative"}}, "mean_auc"}; null where there are no figures,
/// and then "why".
nlohmann::ordered_json to_json(const std::vector<LabelAuc>& aucs, const std::vector<LabelColumn>& labels);

/// The same as a table on standard output; `name` is the encoder's.
void print_label_aucs(const std::string& name, const nlohmann::ordered_json& json);

}  // namespace minissl
