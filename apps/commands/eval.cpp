#include <cmath>

#include "apps/eval_flags.h"
#include "apps/option_flags.h"
#include "apps/run/json_text.h"
#include "apps/run/progress.h"
#include "eval/few_shot.h"
#include "eval/knn.h"
#include "eval/logistic_regression.h"

namespace minissl {
namespace {

struct EvalKnn : EvalFlags {
  KnnOptions knn;

  void run() const {
    const Json result = evaluate(
        {[&](const LabelledFeatures& labelled, const std::vector<std::string>& class_names) {
           return to_json(knn_accuracy(labelled, knn), class_names);
         },
         [&](const MultiLabelFeatures& labelled) { return to_json(knn_auc(labelled, knn), labelled.labels); }});
    print(result, fmt::format("kNN {}, k = {}", result.contains("mean_auc") ? "AUC" : "accuracy",
                              std::min(knn.k, result.at("n_train").get<int64_t>())));
  }
};

struct EvalLinear : EvalFlags {
  double l2 = 1;

  void run() const {
    const Json result = evaluate({[&](const LabelledFeatures& labelled, const std::vector<std::string>& class_names) {
                                    return of_classes(labelled, class_names);
                                  },
                                  [&](const MultiLabelFeatures& labelled) { return of_labels(labelled); }});
    print(result,
          fmt::format("{} of logistic regression, l2 = {}", result.contains("mean_auc") ? "AUC" : "Accuracy", l2));
  }

 private:
  Json of_classes(const LabelledFeatures& labelled, const std::vector<std::string>& class_names) const {
    Progress progress(0, "iteration");
    return to_json(linear_accuracy(labelled, l2,
                                   [&](int64_t iteration, double loss) {
                                     progress.update(iteration, fmt::format("loss {:.4f}", loss));
                                   }),
                   class_names);
  }
  Json of_labels(const MultiLabelFeatures& labelled) const {
    Progress progress(static_cast<int64_t>(labelled.labels.size()), "label");
    return to_json(linear_auc(labelled, l2, [&](int64_t done) { progress.update(done, "logistic regression"); }),
                   labelled.labels);
  }
};

struct EvalProbe : EvalFlags {
  FewShotOptions options;

  void run() {
    options.seed = common.seed;
    const Json result = evaluate({[&](const LabelledFeatures& labelled, const std::vector<std::string>& class_names) {
                                    return of(labelled, labelled.classes, class_names);
                                  },
                                  [&](const MultiLabelFeatures& labelled) {
                                    std::vector<std::string> names;
                                    for (const LabelColumn& label : labelled.labels) names.push_back(label.name);
                                    return of(labelled, static_cast<int64_t>(names.size()), names);
                                  }},
                                 [this](const Dataset& to_learn_from, const Dataset& to_test_on) {
                                   require_shots(labels_of(to_learn_from), labels_of(to_test_on),
                                                 to_learn_from.class_names(), options.shots);
                                 });
    if (common.json)
      fmt::print("{}\n", json_text(result));
    else
      print_table(result);
  }

 private:
  template <class Features>
  Json of(const Features& labelled, int64_t classes, const std::vector<std::string>& names) const {
    Progress progress(classes * static_cast<int64_t>(options.shots.size()) * options.repeats, "fit");
    return to_json(few_shot_auc(labelled, options, [&](int64_t done) { progress.update(done, "shots"); }), names);
  }

  /// {"auc": {class: {shots: {"mean", "low", "high"}}}, "mean_auc": {shots: mean over classes}}; no interval for a
  /// single draw.
  Json to_json(const std::vector<std::vector<FewShotAuc>>& aucs, const std::vector<std::string>& class_names) const {
    Json of_class = Json::object(), of_all = Json::object();
    for (size_t i = 0; i < options.shots.size(); ++i) {
      const std::string shots = std::to_string(options.shots[i]);
      double sum = 0, measured = 0;
      for (size_t c = 0; c < aucs.size(); ++c) {
        const FewShotAuc& auc = aucs[c][i];
        if (!std::isnan(auc.mean)) sum += auc.mean, ++measured;
        Json& json = of_class[class_names[c]][shots] = {{"mean", auc.mean}};
        if (!auc.half_width) continue;
        json["low"] = std::max(0.0, auc.mean - *auc.half_width);
        json["high"] = std::min(1.0, auc.mean + *auc.half_width);
      }
      of_all[shots] = sum / measured;
    }
    return {{"auc", of_class}, {"mean_auc", of_all}};
  }

  static std::vector<int64_t> labels_of(const Dataset& dataset) {
    std::vector<int64_t> labels;
    for (int64_t i = 0; i < dataset.size(); ++i) labels.push_back(dataset.label(i));
    return labels;
  }

  static std::string cell(const Json& auc) {
    const double mean = auc.at("mean").get<double>();
    if (std::isnan(mean)) return "too few images";
    if (!auc.contains("low")) return fmt::format("{:.3f}", mean);
    return fmt::format("{:.3f} ({:.3f}-{:.3f})", mean, auc.at("low").get<double>(), auc.at("high").get<double>());
  }

  void print_table(const Json& result) const {
    fmt::print(
        "AUC after a few images of a class and as many others, and its 95% interval over {} draws; {} test images\n",
        options.repeats, result.at("n_test").get<int64_t>());
    fmt::print("{:<12} {:<16}", "", "shots");
    for (const int64_t shots : options.shots) fmt::print(" {:<18}", shots);
    fmt::print("\n");
    for (const auto& [name, measured] : rows(result)) {
      for (const auto& [label, of_shots] : measured.at("auc").items()) {
        fmt::print("{:<12} {:<16}", name, label);
        for (const auto& auc : of_shots) fmt::print(" {:<18}", cell(auc));
        fmt::print("\n");
      }
      fmt::print("{:<12} {:<16}", name, "mean of these");
      for (const auto& mean : measured.at("mean_auc")) fmt::print(" {:<18.3f}", mean.get<double>());
      fmt::print("\n");
    }
  }
};

template <class Command>
std::pair<CLI::App&, std::shared_ptr<Command>> add(CLI::App& eval, const char* name, const char* help) {
  CLI::App& command = add_command(eval, name, help);
  auto flags = std::make_shared<Command>();
  flags->add_to(command);
  set_action(command, [flags] { flags->run(); });
  return {command, flags};
}

}  // namespace

void add_eval(CLI::App& app) {
  CLI::App& eval = add_command_group(app, "eval", "Measure what an encoder has learned");

  const auto [knn, knn_flags] = add<EvalKnn>(eval, "knn", "k-nearest-neighbour accuracy");
  add_option_flags(knn, [&options = knn_flags->knn](OptionVisitor& visitor) { options.visit(visitor); });

  const auto [linear, linear_flags] =
      add<EvalLinear>(eval, "linear", "accuracy of logistic regression on frozen features");
  add_flag(linear, "l2", linear_flags->l2, "weight of half the squared weights, added to the sum of losses",
           {.range = l2_range});

  const auto [probe, probe_flags] =
      add<EvalProbe>(eval, "probe", "AUC of logistic regression trained on a few images of a class");
  add_flag(probe, "shots", probe_flags->options.shots, "training images of a class, and equally many of others",
           {.range = FewShotOptions::shots_range});
  add_flag(probe, "repeats", probe_flags->options.repeats, "number of draws", {.range = FewShotOptions::repeats_range});
  add_flag(probe, "l2", probe_flags->options.l2, "weight of half the squared weights, added to the sum of losses",
           {.range = l2_range});
}

}  // namespace minissl
