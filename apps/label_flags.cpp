#include "apps/label_flags.h"

#include <optional>
#include <set>

#include "apps/open_data.h"
#include "apps/some_of.h"
#include "apps/standard_streams.h"

namespace minissl {
namespace {

using Images = std::shared_ptr<const LabelledImages>;

void say_if(const std::string& line) {
  if (!line.empty()) say(line);
}

/// The labels of both tables: where labels are listed, a rare one may be in one of them alone.
std::vector<std::string> all_names(const LabelTable& a, const LabelTable& b) {
  std::vector<std::string> names = a.names;
  for (const std::string& name : b.names)
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  return names;
}

EvaluationSets with_one_table(std::shared_ptr<const Dataset> train, std::shared_ptr<const Dataset> test,
                              const LabelTable& table) {
  const auto from = std::make_shared<LabelledImages>(std::move(train), table);
  const auto to = std::make_shared<LabelledImages>(std::move(test), table);
  say_if(from->images_without_row());
  say_if(to->images_without_row());
  std::vector<bool> matched = from->matched_rows();
  const std::vector<bool> also = to->matched_rows();
  for (size_t r = 0; r < matched.size(); ++r) matched[r] = matched[r] || also[r];
  say_if(rows_without_image(table, matched));
  return {from, to};
}

EvaluationSets with_two_tables(std::shared_ptr<const Dataset> train, std::shared_ptr<const Dataset> test,
                               const LabelTable& of_train, const LabelTable& of_test) {
  const std::vector<std::string> names = all_names(of_train, of_test);
  const auto from = std::make_shared<LabelledImages>(std::move(train), with_names(of_train, names));
  const auto to = std::make_shared<LabelledImages>(std::move(test), with_names(of_test, names));
  for (const auto& side : {from, to})
    for (const std::string& line : side->join_remarks()) say(line);
  return {from, to};
}

std::set<std::string> patients_of(const Dataset& dataset) {
  std::set<std::string> patients;
  for (int64_t i = 0; i < dataset.size(); ++i) patients.insert(dataset.patient(i));
  patients.erase("");
  return patients;
}

void require_no_patient_on_both_sides(const EvaluationSets& sets) {
  const std::set<std::string> train = patients_of(*sets.train), test = patients_of(*sets.test);
  if (train.empty() != test.empty())
    say(fmt::format("warning: the patients of --{} aren't known; some may be on both sides",
                    train.empty() ? "train" : "test"));
  std::vector<std::string> both;
  std::set_intersection(train.begin(), train.end(), test.begin(), test.end(), std::back_inserter(both));
  require(
      both.empty(),
      "{} of the {} patients of --test are in --train as well ({}): figures would be of patients seen before; minissl "
      "data split writes tables for --labels and --test-labels that share none",
      both.size(), test.size(), some_of(both));
}

void warn_of_images_on_both_sides(const EvaluationSets& sets, const EvaluationRequest& request) {
  if (!same_data(request.train, request.test)) return;
  std::set<std::string> train;
  for (int64_t i = 0; i < sets.train->size(); ++i) train.insert(sets.train->name(i));
  int64_t both = 0;
  for (int64_t i = 0; i < sets.test->size(); ++i) both += train.contains(sets.test->name(i));
  if (both > 0)
    say(fmt::format(
        "warning: {} of {} images of --test are in --train as well: the figures say little about images that "
        "are new",
        both, sets.test->size()));
}

}  // namespace

void LabelFlags::add_to(CLI::App& command) {
  add_flag(
      command, "labels", labels,
      "table of labels: path,label;label, or NIH ChestX-ray14's or CheXpert's .csv; images that it lists are used");
  add_flag(command, "uncertain", uncertain, "what CheXpert's uncertain labels count as",
           {.one_of = {"ignore", "0", "1"}});
}

void LabelFlags::add_test_labels(CLI::App& command) {
  add_flag(command, "test-labels", test_labels, "table of the test images' labels (default: that of --labels)");
}

LabelTable LabelFlags::read(const std::string& file) const {
  return read_label_table(std::u8string(file.begin(), file.end()), uncertain == "ignore" ? Uncertain::ignore
                                                                   : uncertain == "1"    ? Uncertain::yes
                                                                                         : Uncertain::no);
}

std::unique_ptr<Dataset> open_labelled_data(const std::string& spec, int64_t channels, uint64_t seed, int max_value,
                                            const LabelFlags& flags) {
  std::unique_ptr<Dataset> images = open_data(spec, channels, seed, max_value);
  if (flags.labels.empty()) return images;
  auto labelled = std::make_unique<LabelledImages>(std::move(images), flags.read(flags.labels));
  for (const std::string& line : labelled->join_remarks()) say(line);
  return labelled;
}

EvaluationSets multi_label_sets(std::shared_ptr<const Dataset> train, std::shared_ptr<const Dataset> test,
                                const EvaluationRequest& request, const LabelFlags& flags) {
  require(request.classes.empty(), "--classes chooses among classes; these images have several labels each");
  require(flags.test_labels.empty() || !flags.labels.empty(), "--test-labels needs --labels for the training images");
  EvaluationSets sets{std::move(train), std::move(test)};
  if (!flags.labels.empty())
    sets = flags.test_labels.empty()
               ? with_one_table(sets.train, sets.test, flags.read(flags.labels))
               : with_two_tables(sets.train, sets.test, flags.read(flags.labels), flags.read(flags.test_labels));
  require(sets.train->label_names() == sets.test->label_names(),
          "--train has the labels {}, and --test {}; both need the same", some_of(sets.train->label_names()),
          some_of(sets.test->label_names()));
  require_no_patient_on_both_sides(sets);
  warn_of_images_on_both_sides(sets, request);
  return sets;
}

}  // namespace minissl
