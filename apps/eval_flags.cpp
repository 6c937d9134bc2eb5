#include "apps/eval_flags.h"

#include <cmath>

#include "apps/evaluation_sets.h"
#include "apps/run/json_text.h"
#include "apps/some_of.h"
#include "apps/standard_streams.h"

namespace minissl {
namespace {

/// Names the classes that have no figures, because none of their test images was left.
void say_untested(const LabelledFeatures& labelled, const std::vector<std::string>& class_names) {
  std::vector<bool> tested(class_names.size());
  for (const int64_t label : labelled.test_labels) tested[static_cast<size_t>(label)] = true;
  std::vector<std::string> untested;
  for (size_t c = 0; c < tested.size(); ++c)
    if (!tested[c]) untested.push_back(class_names[c]);
  if (!untested.empty())
    say(fmt::format("--test has no readable image of {}: no figures for {}", some_of(untested),
                    untested.size() == 1 ? "this class" : "these classes"));
}

/// Names the labels that have no figures, and why.
void say_labels_without_figures(const EvalFlags::Json& json) {
  for (const auto& [label, figures] : json.at("auc").items())
    if (figures.contains("why"))
      say(fmt::format("no figures for {}, which is left out of the mean: {}", label,
                      figures.at("why").get<std::string>()));
}

}  // namespace

void EvalFlags::add_to(CLI::App& command) {
  add_flag(command, "train", train, "labelled training images", {.required = true});
  add_flag(command, "test", test, "labelled test images", {.required = true});
  add_flag(command, "features", features, "space of the features; pixels: raw, 32 x 32",
           {.one_of = {"backbone", "projection", "pixels"}});
  add_flag(
      command, "classes", classes,
      "only these classes, such as normal,pneumonia; shared: those that both sets have, and labelled images alone");
  tables.add_to(command);
  tables.add_test_labels(command);
  add_toggle(command, "baselines", baselines, "also evaluate the untrained network and raw pixels");
  add_json(command, common.json);
  EmbedFlags::add_to(command);
}

EvaluationSets EvalFlags::open_sets(const ModelDescription& model) const {
  const EvaluationRequest request{train, test, classes};
  std::unique_ptr<Dataset> from = open(train, model);
  std::unique_ptr<Dataset> to = open(test, model, from->max_value());
  const bool several = !from->label_names().empty() && !to->label_names().empty();
  if (several || !tables.labels.empty() || !tables.test_labels.empty())
    return multi_label_sets(std::move(from), std::move(to), request, tables);
  return evaluation_sets(std::move(from), std::move(to), request);
}

EvalFlags::Json EvalFlags::evaluate(const Measures& measures, const Check& check) const {
  const DeviceScope device = common.apply();
  require(features != "pixels" || !baselines, "--baselines already measures pixels; choose other --features");
  const DType dtype = common.dtype();
  PretrainedEncoder encoder(weights, network, master_type(dtype));
  const ModelDescription& model = encoder.description();
  const EvaluationSets sets = open_sets(model);
  const Dataset &from = *sets.train, &to = *sets.test;
  const bool several = !from.label_names().empty();
  if (check && !several) check(from, to);

  bool first = true;
  const auto measured = [&](const EmbedFunction& embed, int64_t size, DType type, const std::string& space,
                            const char* what) {
    const Features to_learn_from = extract(from, model, size, type, embed, what);
    const Features to_test_on = extract(to, model, size, type, embed, what);
    // The baselines see the same images.
    const bool is_first = std::exchange(first, false);
    Json json;
    if (several) {
      json = measures.labels(multi_labelled(from, to_learn_from, to, to_test_on, space));
      if (is_first) say_labels_without_figures(json);
    } else {
      const LabelledFeatures features = labelled(from, to_learn_from, to, to_test_on, space);
      json = measures.classes(features, from.class_names());
      if (is_first) say_untested(features, from.class_names());
    }
    if (is_first) {
      json["n_train"] = to_learn_from.indices.size();
      json["n_test"] = to_test_on.indices.size();
    }
    return json;
  };
  const auto of = [&](PretrainedEncoder& e, const char* what) {
    return measured([&](const Tensor& images) { return e.embed(images); }, model.network.size, dtype, features, what);
  };
  const auto of_pixels = [&] { return measured(pixel_embedding, pixel_size, DType::f32, "pixels", "raw pixels"); };

  Json result = features == "pixels" ? of_pixels() : of(encoder, "encoder");
  if (baselines) {
    PretrainedEncoder untrained = PretrainedEncoder::untrained(model, master_type(dtype));
    result["untrained"] = of(untrained, "untrained encoder");
    result["pixels"] = of_pixels();
  }
  return result;
}

std::vector<std::pair<std::string, EvalFlags::Json>> EvalFlags::rows(const Json& result) const {
  std::vector<std::pair<std::string, Json>> rows = {{features, result}};
  if (baselines) {
    rows.emplace_back("untrained", result.at("untrained"));
    rows.emplace_back("raw pixels", result.at("pixels"));
  }
  return rows;
}

void EvalFlags::print(const Json& result, const std::string& title) const {
  if (common.json) {
    fmt::print("{}\n", json_text(result));
    return;
  }
  fmt::print("{}, {} images to learn from, {} to test on\n", title, result.at("n_train").get<int64_t>(),
             result.at("n_test").get<int64_t>());
  for (const auto& [name, measured] : rows(result)) {
    if (measured.contains("mean_auc")) {
      print_label_aucs(name, measured);
      continue;
    }
    fmt::print("{:<12} {:5.1f}%", name, 100 * measured.at("top1").get<double>());
    for (const auto& [label, value] : measured.at("per_class").items())
      if (const double of_class = value.get<double>(); !std::isnan(of_class))
        fmt::print("   {} {:.1f}%", label, 100 * of_class);
    fmt::print("\n");
  }
}

EvalFlags::Json to_json(const Accuracy& accuracy, const std::vector<std::string>& class_names) {
  EvalFlags::Json per_class = EvalFlags::Json::object(), auc = EvalFlags::Json::object();
  for (size_t c = 0; c < class_names.size(); ++c) {
    per_class[class_names[c]] = accuracy.per_class[c];
    auc[class_names[c]] = accuracy.auc[c];
  }
  return {{"top1", accuracy.top1}, {"per_class", per_class}, {"auc", auc}};
}

}  // namespace minissl
