#include "apps/eval_flags.h"

namespace minissl {
namespace {

/// The images of some classes, with the classes renumbered.
class Classes : public Subset {
 public:
  Classes(const Dataset& dataset, const std::vector<std::string>& names)
      : Subset(dataset, images_of(dataset, names)), names_(names) {}
  int64_t label(int64_t i) const override {
    const std::string& name = Subset::class_names()[static_cast<size_t>(Subset::label(i))];
    return std::find(names_.begin(), names_.end(), name) - names_.begin();
  }
  const std::vector<std::string>& class_names() const override { return names_; }

 private:
  static std::vector<int64_t> images_of(const Dataset& dataset, const std::vector<std::string>& names) {
    const std::vector<std::string>& all = dataset.class_names();
    std::vector<bool> wanted(all.size());
    for (const std::string& name : names) {
      const auto it = std::find(all.begin(), all.end(), name);
      require(it != all.end(), "--classes: there is no class {}; there are {}", name, fmt::join(all, ", "));
      wanted[static_cast<size_t>(it - all.begin())] = true;
    }
    std::vector<int64_t> images;
    for (int64_t i = 0; i < dataset.size(); ++i)
      if (const int64_t label = dataset.label(i); label >= 0 && wanted[static_cast<size_t>(label)]) images.push_back(i);
    return images;
  }

  std::vector<std::string> names_;
};

}  // namespace

void EvalFlags::add_to(CLI::App& command) {
  add_flag(command, "train", train, "labelled training images", {.required = true});
  add_flag(command, "test", test, "labelled test images", {.required = true});
  add_flag(command, "features", features, "space of the features; pixels: raw, 32 x 32",
           {.one_of = {"backbone", "projection", "pixels"}});
  add_flag(command, "classes", classes, "only these classes, such as normal,pneumonia");
  add_toggle(command, "baselines", baselines, "also evaluate the untrained network and raw pixels");
  add_json(command, common.json);
  EmbedFlags::add_to(command);
}

EvalFlags::Json EvalFlags::evaluate(const Measure& measure) const {
  const DeviceScope device = common.apply();
  require(features != "pixels" || !baselines, "--baselines already measures pixels; choose other --features");
  const DType dtype = common.dtype();
  PretrainedEncoder encoder(weights, network, master_type(dtype));
  const ModelDescription& model = encoder.description();
  const std::unique_ptr<Dataset> all_train = open(train, model);
  const std::unique_ptr<Dataset> all_test = open(test, model, all_train->max_value());
  std::unique_ptr<Dataset> some_train, some_test;
  if (!classes.empty()) {
    some_train = std::make_unique<Classes>(*all_train, classes);
    some_test = std::make_unique<Classes>(*all_test, classes);
  }
  const Dataset &from = some_train ? *some_train : *all_train, &to = some_test ? *some_test : *all_test;

  const auto measured = [&](const EmbedFunction& embed, int64_t size, DType type, const std::string& space,
                            const char* what) {
    const Features to_learn_from = extract(from, model, size, type, embed, what);
    const Features to_test_on = extract(to, model, size, type, embed, what);
    return measure(labelled(from, to_learn_from, to, to_test_on, space), from.class_names());
  };
  const auto of = [&](PretrainedEncoder& e, const char* what) {
    return measured([&](const Tensor& images) { return e.embed(images); }, model.network.size, dtype, features, what);
  };
  const auto of_pixels = [&] { return measured(pixel_embedding, pixel_size, DType::f32, "pixels", "raw pixels"); };

  Json result = features == "pixels" ? of_pixels() : of(encoder, "encoder");
  result["n_train"] = from.size();
  result["n_test"] = to.size();
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
    fmt::print("{}\n", result.dump());
    return;
  }
  fmt::print("{}, {} images to learn from, {} to test on\n", title, result.at("n_train").get<int64_t>(),
             result.at("n_test").get<int64_t>());
  for (const auto& [name, measured] : rows(result)) {
    fmt::print("{:<12} {:5.1f}%", name, 100 * measured.at("top1").get<double>());
    for (const auto& [label, value] : measured.at("per_class").items())
      fmt::print("   {} {:.1f}%", label, 100 * value.get<double>());
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
