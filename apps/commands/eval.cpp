#include <nlohmann/json.hpp>

#include "apps/embed_flags.h"

namespace minissl {
namespace {

/// The images of some classes, which are numbered anew.
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

struct EvalKnn : EmbedFlags {
  std::string train, test, features = "backbone";
  std::vector<std::string> classes;
  KnnOptions knn;
  bool baselines = false;

  void run() const;
};

nlohmann::ordered_json to_json(const Accuracy& accuracy, const std::vector<std::string>& classes) {
  nlohmann::ordered_json per_class = nlohmann::ordered_json::object();
  for (size_t c = 0; c < classes.size(); ++c) per_class[classes[c]] = accuracy.per_class[c];
  return {{"top1", accuracy.top1}, {"per_class", per_class}};
}

void EvalKnn::run() const {
  const DeviceScope device = common.apply();
  require(features == "backbone" || features == "projection" || features == "pixels",
          "--features {} is not known; there are backbone, projection and pixels", features);
  const DType dtype = common.dtype();
  PretrainedEncoder encoder(weights, network, master_type(dtype));
  const ModelDescription& model = encoder.description();
  const std::unique_ptr<Dataset> all_train = open(train, model.network), all_test = open(test, model.network);
  std::unique_ptr<Dataset> some_train, some_test;
  if (!classes.empty()) {
    some_train = std::make_unique<Classes>(*all_train, classes);
    some_test = std::make_unique<Classes>(*all_test, classes);
  }
  const Dataset &from = some_train ? *some_train : *all_train, &to = some_test ? *some_test : *all_test;

  const auto accuracy = [&](const EmbedFunction& embed, int64_t size, DType type, bool projection, const char* what) {
    return knn_between(from, extract(from, model, size, type, embed, what), to,
                       extract(to, model, size, type, embed, what), projection, knn);
  };
  const auto of = [&](PretrainedEncoder& e, const char* what) {
    return accuracy([&](const Tensor& images) { return e.embed(images); }, model.network.size, dtype,
                    features == "projection", what);
  };
  const auto of_pixels = [&] { return accuracy(pixel_embedding, pixel_size, DType::f32, false, "raw pixels"); };

  const Accuracy main = features == "pixels" ? of_pixels() : of(encoder, "encoder");
  nlohmann::ordered_json result = to_json(main, from.class_names());
  result["n_train"] = from.size();
  result["n_test"] = to.size();
  if (baselines) {
    PretrainedEncoder untrained = PretrainedEncoder::untrained(model, common.seed, master_type(dtype));
    result["untrained"] = to_json(of(untrained, "untrained encoder"), from.class_names());
    result["pixels"] = to_json(of_pixels(), from.class_names());
  }
  if (common.json) {
    fmt::print("{}\n", result.dump());
    return;
  }
  const auto line = [&](const char* name, const nlohmann::ordered_json& r) {
    fmt::print("{:<12} {:5.1f}%", name, 100 * r["top1"].get<double>());
    for (const auto& [label, value] : r["per_class"].items())
      fmt::print("   {} {:.1f}%", label, 100 * value.get<double>());
    fmt::print("\n");
  };
  fmt::print("kNN accuracy, k = {}, {} images to learn from, {} to test on\n", std::min(knn.k, from.size()),
             from.size(), to.size());
  line(features.c_str(), result);
  if (baselines) {
    line("untrained", result["untrained"]);
    line("raw pixels", result["pixels"]);
  }
}

}  // namespace

void add_eval(CLI::App& app) {
  CLI::App* eval = app.add_subcommand("eval", "Measure what an encoder has learned");
  eval->require_subcommand(1);
  CLI::App* knn = eval->add_subcommand("knn", "k-nearest-neighbour accuracy");
  auto flags = std::make_shared<EvalKnn>();
  add_flag(*knn, "train", flags->train, "labelled images to learn from")->required();
  add_flag(*knn, "test", flags->test, "labelled images to test on")->required();
  add_flag(*knn, "k", flags->knn.k, "neighbours");
  add_flag(*knn, "temperature", flags->knn.temperature, "of their votes");
  add_flag(*knn, "features", flags->features, "backbone, projection, or pixels: 32 x 32 raw ones");
  knn->add_option("--classes", flags->classes, "only these, such as normal,pneumonia")->delimiter(',');
  knn->add_flag("--baselines", flags->baselines, "the untrained network and raw pixels beside it");
  knn->add_flag("--json", flags->common.json, "print one JSON object and nothing else");
  flags->add_to(*knn);
  knn->callback([flags] { flags->run(); });
}

}  // namespace minissl
