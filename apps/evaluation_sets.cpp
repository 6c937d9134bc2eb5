#include "apps/evaluation_sets.h"

#include <filesystem>
#include <map>
#include <optional>

#include "apps/flag_values.h"
#include "apps/some_of.h"
#include "apps/standard_streams.h"
#include "data/subset.h"

namespace minissl {
namespace {

using Names = std::vector<std::string>;

bool contains(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The images of some classes, numbered in the order of `names`.
class ImagesOfClasses final : public Subset {
 public:
  ImagesOfClasses(std::shared_ptr<const Dataset> images, Names names)
      : Subset(std::move(images), {}), names_(std::move(names)) {
    std::map<std::string, int64_t> number;
    for (size_t c = 0; c < names_.size(); ++c) number[names_[c]] = static_cast<int64_t>(c);
    for (int64_t i = 0; i < whole().size(); ++i) {
      const int64_t label = whole().label(i);
      if (label < 0) continue;
      const auto found = number.find(whole().class_names()[static_cast<size_t>(label)]);
      if (found == number.end()) continue;
      add(i);
      labels_.push_back(found->second);
    }
  }
  int64_t label(int64_t i) const override { return labels_[static_cast<size_t>(i)]; }
  const Names& class_names() const override { return names_; }

 private:
  Names names_;
  std::vector<int64_t> labels_;
};

/// Classes in the order of the first set.
Names difference(const Names& from, const Names& without) {
  Names sorted = without, left;
  std::sort(sorted.begin(), sorted.end());
  for (const std::string& name : from)
    if (!std::binary_search(sorted.begin(), sorted.end(), name)) left.push_back(name);
  return left;
}

Names unlabelled(const Dataset& dataset) {
  Names names;
  for (int64_t i = 0; i < dataset.size(); ++i)
    if (dataset.label(i) < 0) names.push_back(dataset.name(i));
  return names;
}

std::string counted(size_t count, const char* one, const char* many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

/// "1 class of --train (cow)", "1 image of --test without a label (a.png)"
void list_classes(Names& parts, const Names& classes, const std::string& flag) {
  if (!classes.empty())
    parts.push_back(fmt::format("{} of {} ({})", counted(classes.size(), "class", "classes"), flag, some_of(classes)));
}
void list_unlabelled(Names& parts, const Names& images, const std::string& flag) {
  if (!images.empty())
    parts.push_back(
        fmt::format("{} of {} without a label ({})", counted(images.size(), "image", "images"), flag, some_of(images)));
}

/// Two sets while they are compared.
struct Comparison {
  const Dataset &train, &test;
  const EvaluationRequest& request;
  std::string train_flag = "--" + request.prefix + "train", test_flag = "--" + request.prefix + "test",
              classes_flag = "--" + request.prefix + "classes";

  Names only_train = difference(train.class_names(), test.class_names()),
        only_test = difference(test.class_names(), train.class_names()),
        shared = difference(train.class_names(), only_train);
  Names without_train = unlabelled(train), without_test = unlabelled(test);

  void require_labels(const Dataset& dataset, const std::string& flag, const std::string& spec) const {
    require(
        dataset.label_names().empty(),
        "{} {}: its images have several labels each; minissl eval measures these, a run's own evaluation needs classes",
        flag, spec);
    require(
        !dataset.class_names().empty(),
        "{} {}: an evaluation needs labelled images: sub-folders are classes, or minissl eval's --labels names a table",
        flag, spec);
  }

  /// That nothing has to be left out.
  void require_alike() const {
    Names parts;
    const std::string remedy = fmt::format("{} shared evaluates the {} that both have, and labelled images alone",
                                           classes_flag, counted(shared.size(), "class", "classes"));
    if (!only_train.empty() || !only_test.empty()) {
      list_classes(parts, only_train, train_flag);
      list_classes(parts, only_test, test_flag);
      require(!shared.empty(), "{} and {} have no class in common: {}", train_flag, test_flag, fmt::join(parts, "; "));
      fail("the classes to learn from and to test on differ: the other side lacks {}; {}", fmt::join(parts, " and "),
           remedy);
    }
    list_unlabelled(parts, without_train, train_flag);
    list_unlabelled(parts, without_test, test_flag);
    require(
        parts.empty(),
        "an evaluation needs a label for every image: there is {}; move each into the folder of a class, remove it, "
        "or leave it out: {}",
        fmt::join(parts, " and "), remedy);
  }

  Names chosen() const {
    const Names& asked = request.classes;
    if (asked.empty()) {
      require_alike();
      return train.class_names();
    }
    if (asked != Names{"shared"}) {
      const auto require_known = [&](const Dataset& dataset, const std::string& flag) {
        for (const std::string& name : asked)
          require(contains(dataset.class_names(), name), "{}: there is no class {} in {}; there are {}", classes_flag,
                  name, flag, some_of(dataset.class_names(), 20));
      };
      require_known(train, train_flag);
      require_known(test, test_flag);
      return asked;
    }
    require(!contains(train.class_names(), "shared") && !contains(test.class_names(), "shared"),
            "{} shared: there is a class of this name; list the classes instead", classes_flag);
    require(!shared.empty(), "{} shared: {} and {} have no class in common", classes_flag, train_flag, test_flag);
    return shared;
  }

  void say_left_out(const Names& kept) const {
    Names parts;
    list_classes(parts, difference(train.class_names(), kept), train_flag);
    list_classes(parts, difference(test.class_names(), kept), test_flag);
    list_unlabelled(parts, without_train, train_flag);
    list_unlabelled(parts, without_test, test_flag);
    if (!parts.empty())
      say(fmt::format("{}: {}; left out: {}", classes_flag,
                      counted(kept.size(), "class is evaluated", "classes are evaluated"), fmt::join(parts, ", ")));
  }
};

}  // namespace

bool same_data(const std::string& a, const std::string& b) {
  std::error_code error;
  return a == b || (std::filesystem::exists(a, error) && std::filesystem::equivalent(a, b, error) && !error);
}

std::vector<std::string> list_of_classes(const std::string& value) {
  return value.empty() ? Names() : read_values<std::string>("classes", {value}, {});
}

EvaluationSets evaluation_sets(std::shared_ptr<const Dataset> train, std::shared_ptr<const Dataset> test,
                               const EvaluationRequest& request) {
  const Comparison both{*train, *test, request};
  if (same_data(request.train, request.test))
    say(fmt::format("warning: {} and {} are the same images: the figures say nothing about images that are new",
                    both.train_flag, both.test_flag));
  both.require_labels(*train, both.train_flag, request.train);
  both.require_labels(*test, both.test_flag, request.test);
  const Names classes = both.chosen();
  if (!request.classes.empty()) both.say_left_out(classes);
  const auto of_classes = [&](std::shared_ptr<const Dataset> dataset, const std::string& flag) {
    if (request.classes.empty() && dataset->class_names() == classes) return dataset;
    std::shared_ptr<const Dataset> some = std::make_shared<ImagesOfClasses>(std::move(dataset), classes);
    require(some->size() > 0, "{}: {} has no images of {}", both.classes_flag, flag, some_of(classes));
    return some;
  };
  // Braces evaluate from left to right, and `both` refers to the sets, which live on in the new ones.
  return {of_classes(train, both.train_flag), of_classes(test, both.test_flag)};
}

}  // namespace minissl
