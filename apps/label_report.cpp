#include "apps/label_report.h"

#include <cmath>

namespace minissl {
namespace {

using Json = nlohmann::ordered_json;

std::vector<int8_t> column(const Dataset& dataset, const Features& features, size_t label) {
  std::vector<int8_t> values;
  for (const int64_t i : features.indices) values.push_back(static_cast<int8_t>(dataset.labels(i)[label]));
  return values;
}

}  // namespace

MultiLabelFeatures multi_labelled(const Dataset& train, const Features& train_features, const Dataset& test,
                                  const Features& test_features, const std::string& space) {
  MultiLabelFeatures features{required_space(train_features, space), required_space(test_features, space), {}};
  for (size_t l = 0; l < train.label_names().size(); ++l)
    features.labels.push_back(
        {train.label_names()[l], column(train, train_features, l), column(test, test_features, l)});
  return features;
}

Json to_json(const std::vector<LabelAuc>& aucs, const std::vector<LabelColumn>& labels) {
  Json of_label = Json::object();
  for (size_t l = 0; l < labels.size(); ++l) {
    const Auc& auc = aucs[l].auc;
    Json& json = of_label[labels[l].name];
    json["auc"] = auc.value;
    json["low"] = auc.interval ? Json(auc.interval->low) : Json();
    json["high"] = auc.interval ? Json(auc.interval->high) : Json();
    json["n_positive"] = auc.positives;
    json["n_negative"] = auc.negatives;
    if (!aucs[l].why_none.empty()) json["why"] = aucs[l].why_none;
  }
  return {{"auc", of_label}, {"mean_auc", mean_auc(aucs)}};
}

void print_label_aucs(const std::string& name, const Json& json) {
  for (const auto& [label, auc] : json.at("auc").items()) {
    if (auc.contains("why")) continue;
    const std::string interval = auc.at("low").is_null() ? ""
                                                         : fmt::format("{:.3f}-{:.3f}", auc.at("low").get<double>(),
                                                                       auc.at("high").get<double>());
    fmt::print("{:<12} {:<28} {:.3f}  {:<12} {:>7} with, {:>7} without\n", name, label, auc.at("auc").get<double>(),
               interval, auc.at("n_positive").get<int64_t>(), auc.at("n_negative").get<int64_t>());
  }
  const double mean = json.at("mean_auc").get<double>();
  if (!std::isnan(mean)) fmt::print("{:<12} {:<28} {:.3f}\n", name, "mean of these", mean);
}

}  // namespace minissl
